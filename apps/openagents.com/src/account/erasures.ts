// Erases what a person wrote, and what names one, behind the end of the account.
// What is left is what others rely on: receipts, the audit log, limits that were
// spent, under ids that name nobody.
//
// The look is one transaction for each account, so that what a crash interrupts is
// done again from the start, to the same end.

import { getMode } from "@openagents/authority";
import { statement, type Database } from "@openagents/postgres";
import { startSweep, type After, type Logger } from "@openagents/service";
import { controlAuditWrite } from "../audit/index.ts";
import { erase, listErasures, markErased } from "./erasure-store.ts";

const LOOK_EVERY_MS = 2_000;

/**
 * Calls that were let in before the account ended have ended by then: tokens stop
 * within five seconds, and no call of this service takes ten.
 */
const SETTLED_MS = 15_000;

export function startErasures(deps: {
  readonly db: Database;
  readonly log: Logger;
  readonly nowMs: () => number;
  readonly after?: After | undefined;
}): AsyncDisposable {
  const { db, log, nowMs, after } = deps;
  return startSweep({
    what: "accounts that ended",
    everyMs: LOOK_EVERY_MS,
    log,
    after,
    async look(signal) {
      const due = await listErasures(db, nowMs() - SETTLED_MS);
      // In maintenance nothing changes; it is done afterwards.
      if (due.length === 0 || (await getMode(db)).mode !== "active") return;
      for (const erasure of due) {
        if (signal.aborted) return;
        await db.transaction(async (tx) => {
          const atMs = nowMs();
          await erase(tx, erasure, atMs);
          await markErased(tx, erasure.userId, atMs);
          const audit = controlAuditWrite({ action: "account.erased", subject: erasure.userId }, atMs);
          await tx.query(statement(audit.name, audit.text), audit.values);
        });
      }
    },
  });
}
