// Changes inside better-auth do not pass the one door, and are written down
// right behind it (spec 2.3).

import { newId } from "@openagents/authority";
import { statement, type Queryable } from "@openagents/postgres";
import type { AuditSink } from "../identity/index.ts";
import { insertAuditEntry } from "./store.ts";

/** Where entries are that belong to no organisation: operators read them. */
const NOBODYS = "org_operator";

export function identityAudit(db: Queryable): AuditSink {
  return {
    async record(entry) {
      const { name, text, values } = insertAuditEntry({
        entryId: newId("aud", entry.occurredAtMs),
        org: entry.orgId ?? NOBODYS,
        occurredAtMs: entry.occurredAtMs,
        actor: entry.actorId,
        actingFor: undefined,
        action: entry.action,
        subject: entry.subjectId,
        details: { ...entry.details, ...(entry.address === undefined ? {} : { address: entry.address }) },
        requestId: undefined,
        receiptId: undefined,
      });
      await db.query(statement(name, text), values);
    },
  };
}
