// One export of a run, once, however often it is tried and wherever a process
// ended. The runtime keeps what was intended and whether it may have been sent;
// the forge is asked what is there.
//
// EXP-1  Nothing is sent before the runtime has recorded that it is about to be.
// EXP-2  What may have been sent is looked for, and sent again only once it was seen not to be there.
// EXP-3  What is there already is taken for this run's, and nothing is sent.
// Held by tests/publish.test.ts.

import { randomUUID } from "node:crypto";
import type { ExportKind, JsonObject } from "@openagents/contracts";
import type { RuntimeClients } from "../clients.ts";
import { ForgeError } from "./forge-error.ts";

export type ExportLog = {
  readonly exports: RuntimeClients["exports"];
  readonly runId: string;
  readonly pause: (ms: number) => Promise<unknown>;
  readonly signal: AbortSignal;
};

type OnForge = { readonly url: string };

export type ExportOrder<T extends OnForge> = {
  readonly kind: ExportKind;
  /** Where to, such as `github.com/owner/repo`; one export of a kind goes there in a run. */
  readonly target: string;
  /** What it is about; the same in every try. */
  readonly content: JsonObject;
  readonly find: () => Promise<T | undefined>;
  readonly send: () => Promise<T>;
};

export type Exported<T> = {
  readonly url: string;
  /** As it was found on the forge; undefined when it was sent now, or was taken away since. */
  readonly found: T | undefined;
};

/** How often a forge is asked for what it may have made, before that is left for the next try. */
const LOOKS = 4;
const LOOK_MS = 500;

/**
 * Throws `ForgeError` when the forge says no; with failure `unknown` it may be
 * there, and the next call finds it.
 */
export async function exportOnce<T extends OnForge>(
  log: ExportLog,
  order: ExportOrder<T>,
): Promise<Exported<T>> {
  const { runId, exports, signal } = log;
  const { kind, target, content, find, send } = order;
  const { export: intended } = await exports.requestExport(
    { runId, kind, target, content },
    // Not replayed: how it stands now is asked for.
    { idempotencyKey: randomUUID(), signal },
  );
  const { exportId } = intended;
  const record = (outcome: "succeeded" | "failed" | "absent", facts: { url?: string; detail?: string }) =>
    exports.recordExportOutcome(
      { runId, exportId, outcome, ...facts },
      { idempotencyKey: randomUUID(), signal },
    );

  // Another try may be sending it at this moment.
  const there = intended.status === "unknown" ? await look(log, find, LOOKS) : await find();
  if (intended.status === "succeeded") return { url: intended.url ?? there?.url ?? target, found: there };
  if (there !== undefined) {
    await record("succeeded", { url: there.url, detail: "found on the forge" });
    return { url: there.url, found: there };
  }
  if (intended.status === "unknown") await record("absent", { detail: "looked for on the forge" });
  await exports.beginExport({ runId, exportId }, { idempotencyKey: randomUUID(), signal });
  let sent: T;
  try {
    sent = await send();
  } catch (cause) {
    if (!(cause instanceof ForgeError)) throw cause;
    // Lost; or refused, because another try was quicker.
    const found = await look(log, find, cause.failure === "unknown" ? LOOKS : 1).catch(ignoreForge);
    if (found === undefined) {
      if (cause.failure === "rejected") await record("failed", { detail: cause.message.slice(0, 1_000) });
      throw cause;
    }
    sent = found;
  }
  await record("succeeded", { url: sent.url });
  return { url: sent.url, found: undefined };
}

async function look<T>(
  { pause }: ExportLog,
  find: () => Promise<T | undefined>,
  times: number,
): Promise<T | undefined> {
  for (let tries = 1; ; tries += 1) {
    const found = await find();
    if (found !== undefined || tries >= times) return found;
    await pause(LOOK_MS * 2 ** tries);
  }
}

/** A forge that is not to be reached does not say what it has. */
function ignoreForge(cause: unknown): undefined {
  if (!(cause instanceof ForgeError)) throw cause;
}
