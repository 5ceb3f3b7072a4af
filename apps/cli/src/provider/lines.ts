// What a provider tells while it sells: a line for people, an object for machines. Pure.

import type { ProviderEvent } from "@openagents/autopilot";
import { formatDuration, formatTime, printable, type Style } from "../terminal/index.ts";
import type { Payment } from "./payment.ts";

export type SaleEvent =
  | ProviderEvent
  | { readonly type: "payment"; readonly jobId: string; readonly payment: Payment };

const WORD_COLUMNS = 9;

export function eventLine(event: SaleEvent, nowMs: number, style: Style): string {
  const [mark, word, detail] = wordsOf(event, style);
  const time = style.dim(formatTime(nowMs).slice(11));
  return `${time} ${mark} ${word.padEnd(WORD_COLUMNS)} ${printable(detail)}`.trimEnd();
}

function wordsOf(event: SaleEvent, style: Style): readonly [mark: string, word: string, detail: string] {
  const good = style.green("✓");
  const bad = style.red("✗");
  const wait = style.yellow("–");
  switch (event.type) {
    case "registered":
      return [good, "registered", event.workerId];
    case "job_claimed": {
      const { jobId, purpose, spec } = event.job;
      const what = spec === undefined ? "index a tree" : spec.commands.join("; ");
      return [style.cyan("…"), "claimed", `${jobId}  ${purpose.replaceAll("_", " ")}: ${what}`];
    }
    case "job_reported":
      return event.outcome === "result"
        ? [good, "reported", event.jobId]
        : [bad, "gave back", `${event.jobId}  ${event.code ?? "for a reason of its own"}`];
    case "job_lost":
      return [bad, "lost", `${event.jobId}  ${event.detail}`];
    case "payment": {
      const { state, because } = event.payment;
      const mark = state === "credited" ? good : state === "not_paid" ? bad : wait;
      return [mark, state.replaceAll("_", " "), `${event.jobId}  ${because}`];
    }
    case "trouble":
      return [
        wait,
        "trouble",
        `${event.detail}${event.retryMs > 0 ? ` (again in ${formatDuration(event.retryMs)})` : ""}`,
      ];
  }
}

/** In the names of the wire. */
export function eventToWire(event: SaleEvent, nowMs: number): Readonly<Record<string, unknown>> {
  const at = new Date(nowMs).toISOString();
  switch (event.type) {
    case "registered":
      return { type: event.type, at, worker_id: event.workerId };
    case "job_claimed": {
      const { jobId, purpose, spec } = event.job;
      return { type: event.type, at, job_id: jobId, purpose, commands: spec?.commands };
    }
    case "job_reported":
      return { type: event.type, at, job_id: event.jobId, outcome: event.outcome, code: event.code };
    case "job_lost":
      return { type: event.type, at, job_id: event.jobId, detail: event.detail };
    case "payment":
      return { type: event.type, at, job_id: event.jobId, ...event.payment };
    case "trouble":
      return { type: event.type, at, detail: event.detail, retry_ms: event.retryMs };
  }
}
