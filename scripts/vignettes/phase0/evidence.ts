// What is on record after a vignette, read back over HTTP: the events of its
// runs, and every receipt about its runs and workers with its signature checked.

import type { RuntimeClients } from "@openagents/autopilot";
import {
  encode,
  signedReceiptDesc,
  type JsonObject,
  type RunEvent,
  type SignedReceipt,
} from "@openagents/contracts";
import { verifyReceipt } from "@openagents/receipts";
import { receiptSchemaOf, textOf, type Happening } from "./milestones.ts";
import type { Stage } from "./stage.ts";
import type { Cast } from "./vignette.ts";

export type Evidence = {
  readonly runs: readonly { readonly runId: string; readonly events: readonly RunEvent[] }[];
  /** About workers, oldest first. */
  readonly workerReceipts: readonly SignedReceipt[];
  /** About runs, oldest first. */
  readonly runReceipts: readonly SignedReceipt[];
  /** What of it does not hold. */
  readonly faults: readonly string[];
};

export async function gatherEvidence(stage: Stage, cast: Cast): Promise<Evidence> {
  const runs = [];
  const runReceipts = [];
  for (const runId of cast.runIds) {
    runs.push({ runId, events: await readEvents(stage, runId) });
    runReceipts.push(...(await readReceipts(stage.buyer, runId, stage.signal)));
  }
  const workerReceipts = [];
  for (const { workerId, clients } of cast.workers)
    workerReceipts.push(...(await readReceipts(clients, workerId, stage.signal)));
  return {
    runs,
    runReceipts,
    workerReceipts,
    faults: [
      ...[...runReceipts, ...workerReceipts].flatMap((receipt) => faultsOf(receipt, stage.operatorKey)),
      ...missingReceipts(
        runs.flatMap(({ events }) => events),
        runReceipts,
      ),
    ],
  };
}

async function readEvents({ buyer, signal }: Stage, runId: string): Promise<readonly RunEvent[]> {
  const events: RunEvent[] = [];
  for (let afterSeq = 0n; ; afterSeq = events.at(-1)?.seq ?? afterSeq) {
    const page = await buyer.runs.listRunEvents({ runId, afterSeq, limit: 500 }, { signal });
    events.push(...page.events);
    if (page.events.length === 0 || events.at(-1)?.seq === page.latestSeq) return events;
  }
}

async function readReceipts(
  { receipts }: RuntimeClients,
  subject: string,
  signal: AbortSignal,
): Promise<readonly SignedReceipt[]> {
  const found: SignedReceipt[] = [];
  let cursor: string | undefined;
  do {
    const page = await receipts.listReceipts({ subject, limit: 200, cursor }, { signal });
    found.push(...page.receipts);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return found.toReversed();
}

function faultsOf(signed: SignedReceipt, operatorKey: string): string[] {
  const checks = verifyReceipt(wireReceipt(signed), { operatorKeys: [operatorKey] });
  return Object.entries(checks)
    .filter(([, check]) => check.state !== "holds")
    .map(([name, check]) => `${receiptId(signed)}: ${name} ${check.state}: ${check.detail}`);
}

/** Each event has the receipt that the story's table says; the first event of a run does not name its one. */
function missingReceipts(events: readonly RunEvent[], receipts: readonly SignedReceipt[]): string[] {
  const schemas = new Map(receipts.map((each) => [receiptId(each), textOf(each.receipt, "schema")]));
  const created = receiptSchemaOf("run.started");
  const opened = receipts.filter(({ receipt }) => receipt["schema"] === created);
  const started = events.filter(({ eventType }) => eventType === "run.started");
  return [
    ...(opened.length === started.length ? [] : ["a run has no receipt of its creation"]),
    ...events.flatMap(({ eventType, payload }) => {
      const wanted = eventType === "run.started" ? undefined : receiptSchemaOf(eventType);
      const id = textOf(payload, "receipt_id");
      if (id === "") return wanted === undefined ? [] : [`an event ${eventType} names no receipt`];
      const schema = schemas.get(id);
      return schema === undefined || (wanted !== undefined && schema !== wanted)
        ? [`an event ${eventType} names receipt ${id}, which is ${schema ?? "not listed for its run"}`]
        : [];
    }),
  ];
}

/** As it is written to a file and checked by others. */
export function wireReceipt(signed: SignedReceipt): JsonObject {
  return encode(signedReceiptDesc, signed);
}

export function receiptId({ receipt }: SignedReceipt): string {
  return textOf(receipt, "receipt_id");
}

export function happeningOfEvent({ recordedAt, eventType, payload }: RunEvent): Happening {
  return { atMs: recordedAt, what: eventType, facts: payload };
}

export function happeningOfReceipt({ receipt }: SignedReceipt): Happening {
  return {
    atMs: Date.parse(textOf(receipt, "occurred_at")),
    what: textOf(receipt, "schema"),
    facts: receipt,
  };
}
