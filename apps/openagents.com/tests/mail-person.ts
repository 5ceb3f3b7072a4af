// A person with a mailbox at the stand-in for Google, their device, and what tests of
// mail do with them.

import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { ControlDeps } from "@openagents/control";
import { startGmailStandIn, type GmailStandIn } from "./gmail-stand-in.ts";
import { startHarness, type Harness } from "./harness.ts";

export type MailPerson = {
  readonly control: Harness;
  readonly google: GmailStandIn;
  readonly device: string;
  /** Signed in just now. */
  readonly fresh: string;
  /** A mail comes in and is read; answers its thread. */
  readonly receive: (mail?: Partial<Parameters<GmailStandIn["receive"]>[0]>) => Promise<string>;
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly draft: (id: string) => Promise<any>;
  /** Once it is no longer on its way, or is not known to be. */
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly ended: (id: string, until?: readonly string[]) => Promise<any>;
  /** The same service over the same database, from another process as it were. */
  readonly restart: () => Promise<MailPerson>;
};

export async function startMailPerson(
  t: TestContext,
  options: { readonly nowMs?: () => number; readonly after?: NonNullable<ControlDeps["after"]> } = {},
): Promise<MailPerson> {
  const google = await startGmailStandIn(t);
  const person = await personAt(t, google, options, undefined);
  const { json } = await person.control.post("/api/settings/mailboxes/google/authorize", {});
  const back = google.authorize(json.authorize_url);
  assert.equal((await person.control.post("/api/settings/mailboxes/google/complete", back)).status, 200);
  return person;
}

async function personAt(
  t: TestContext,
  google: GmailStandIn,
  options: Parameters<typeof startMailPerson>[1] & {},
  databaseUrl: string | undefined,
): Promise<MailPerson> {
  const control = await startHarness(t, {
    ...options,
    config: { google: google.settings },
    findDeviceOwner: async (_q, _org, device) => (device === "dev_1" ? "usr_owner" : undefined),
    ...(databaseUrl === undefined ? {} : { databaseUrl }),
  });
  const nowS = Math.floor((options.nowMs?.() ?? Date.now()) / 1000);
  const draft = async (id: string) => (await control.get(`/api/inbox/drafts/${id}`)).json.draft;
  return {
    control,
    google,
    device: await control.token({ sub: "dev_1" }),
    fresh: await control.token({ auth_time: nowS, amr: ["otp"] }),
    async receive(mail = {}) {
      google.receive({ from: "Bob <bob@x.example>", subject: "A question", text: "When?", ...mail });
      assert.equal((await control.post("/api/inbox/refresh", {})).status, 200);
      return String((await control.get("/api/inbox/threads")).json.threads[0].thread_id);
    },
    draft,
    async ended(id, until = ["succeeded", "failed", "rejected"]) {
      for (;;) {
        const found = await draft(id);
        if (until.includes(found.status)) return found;
      }
    },
    async restart() {
      await control.stop();
      return personAt(t, google, options, control.databaseUrl);
    },
  };
}
