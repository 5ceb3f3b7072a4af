// Mail in a real browser: a person connects Gmail, reads, changes what an agent drafted,
// and sends it. Google is the stand-in, which says that it is one.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { launch, noBrowser, seriousFindings, visitor } from "./browser.ts";
import { startGmailStandIn } from "./gmail-stand-in.ts";
import { startHarness } from "./harness.ts";
import { SESSION_COOKIE, newPerson } from "./person.ts";

const CONSOLE = fileURLToPath(new URL("../web/dist/index.html", import.meta.url));
const unable = noBrowser ?? (existsSync(CONSOLE) ? undefined : "NOT RUN: the console is not built.");

test(
  "a person connects Gmail, reads what came, changes an agent's draft, and sends it from the inbox",
  { skip: unable },
  async (t) => {
    const google = await startGmailStandIn(t);
    const control = await startHarness(t, {
      config: { google: google.settings },
      findDeviceOwner: async (q, _org, device) =>
        device === "dev_1"
          ? (await q.query<{ id: string }>({ name: "", text: 'SELECT id FROM auth."user"' }))[0]?.id
          : undefined,
    });
    const origin = `http://localhost:${new URL(control.url).port}`;
    const person = newPerson(control.url);
    await person.signIn("ann@example.org");
    const { context, page, complaints } = await visitor(await launch(t), origin);
    const cookie = {
      url: origin.replace("http:", "https:"),
      httpOnly: true,
      secure: true,
      sameSite: "Lax",
    } as const;
    const value = person.cookies.get(SESSION_COOKIE) ?? "";
    await context.addCookies([{ ...cookie, name: SESSION_COOKIE, value }]);

    await page.goto("/inbox");
    await page.getByRole("region", { name: "Mail" }).getByRole("link", { name: "Connect a mailbox" }).click();
    await page.getByText("No mailbox is connected").waitFor();
    await page.getByRole("button", { name: "Connect Gmail" }).click();
    await page.getByText("a stand-in for Google").waitFor();
    await page.getByRole("link", { name: "Allow" }).click();
    await page
      .getByRole("region", { name: "Your mailboxes" })
      .getByText("ann@example.org", { exact: true })
      .waitFor();
    assert.ok(!page.url().includes("code="), "what was brought along is not left in the address");

    google.receive({ from: "Bob <bob@x.example>", subject: "A question", text: "<b>When?</b>" });
    await page.goto("/inbox");
    await page.getByRole("button", { name: "Look for new mail" }).click();
    await page.getByRole("button", { name: /A question/ }).click();
    await page.getByText("<b>When?</b>", { exact: true }).waitFor();
    assert.deepEqual(await seriousFindings(page), []);

    const me = (await person.post("/api/auth/token", { grant_type: "session" })).json;
    const device = await control.token({ sub: "dev_1", org: me.org });
    const [thread] = (await control.get("/api/inbox/threads", { token: device })).json.threads;
    const draft = { thread_id: thread.thread_id, body: "Tomorow." };
    assert.equal((await control.post("/api/inbox/drafts", draft, { token: device })).status, 201);
    await page.reload();
    const card = page.getByRole("article", { name: "Draft: Re: A question" });
    await card.getByRole("button", { name: "Edit" }).click();
    await card.getByLabel("Text").fill("Tomorrow.");
    await card.getByRole("button", { name: "Keep the changes" }).click();
    await card.getByText("Tomorrow.", { exact: true }).waitFor();
    await card.getByRole("button", { name: "Approve and send" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Send it" }).click();
    await page.getByRole("region", { name: "Drafts that were decided" }).getByText("Succeeded").waitFor();
    assert.equal(google.sends.length, 1);
    assert.match(google.sends[0] ?? "", /Tomorrow\./);
    // There is neither a runtime nor a sync server behind this one.
    assert.deepEqual(
      complaints().filter((each) => !each.startsWith("Failed to load resource")),
      [],
    );
  },
);
