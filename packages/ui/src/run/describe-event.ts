// One event of a run as a line of its timeline: what happened, in whose voice,
// and which receipt proves it. Pure.

import { formatSats } from "../format-sats.ts";
import { formatBytes, shortId } from "../format-id.ts";
import { sentence, statusWord, type Tone } from "../status-words.ts";
import { fieldAt, listAt, msatsAt, numberAt, textAt, type LoggedEvent } from "./event.ts";

/** The parts of a run that a reader tells apart. */
export type Phase = "open" | "work" | "buy" | "check" | "money" | "end";

export type Step = {
  readonly seq: number;
  readonly atMs: number;
  readonly eventType: string;
  readonly phase: Phase;
  readonly tone: Tone;
  readonly title: string;
  readonly detail?: string | undefined;
  /** Said by the agent itself, so it is shown as speech. */
  readonly speech?: boolean;
  /** Shown as it was printed. */
  readonly output?: string | undefined;
  readonly amountMsats?: bigint | undefined;
  readonly receiptId?: string | undefined;
  /** Bookkeeping of the executor, which a reader does not need. */
  readonly minor?: boolean;
};

type Line = Omit<Step, "seq" | "atMs" | "eventType" | "phase" | "tone" | "receiptId"> & {
  readonly tone?: Tone;
};

export function describeEvent(event: LoggedEvent): Step {
  const { eventType, payload } = event;
  const line = LINES[eventType]?.(payload) ?? { title: sentence(eventType) };
  return {
    seq: Number(event.seq),
    atMs: event.recordedAt,
    eventType,
    phase: phaseOf(eventType),
    tone: "neutral",
    receiptId: textAt(payload, "receipt_id"),
    ...line,
  };
}

function phaseOf(eventType: string): Phase {
  const [noun] = eventType.split(".");
  switch (noun) {
    case "agent":
    case "patch":
      return "work";
    case "quote":
    case "route":
    case "budget":
    case "panel":
      return "buy";
    case "job":
    case "verification":
      return "check";
    case "payment":
      return "money";
    case "export":
    case "forge":
      return "end";
    default:
      return eventType === "run.finished" ? "end" : "open";
  }
}

const LINES: Readonly<Record<string, (payload: LoggedEvent["payload"]) => Line>> = {
  "run.started": (p) => ({ title: "Run opened", detail: textAt(p, "issue", "title") }),
  "run.executor_acquired": () => ({ title: "An executor took the run", minor: true }),
  "run.executor_lost": () => ({ title: "The executor was not heard from", tone: "attention" }),
  "run.executor_returned": () => ({ title: "The executor came back" }),
  "run.cancel_requested": (p) => ({
    title: "Cancel requested",
    tone: "attention",
    detail: textAt(p, "reason"),
  }),
  "run.forked": () => ({ title: "Forked from another run" }),
  "run.note": (p) => ({ title: "Note", detail: textAt(p, "text") }),
  "run.finished": (p) => {
    const status = statusWord(textAt(p, "status") ?? "unknown");
    const title = `Run finished: ${status.label.toLowerCase()}`;
    return { title, tone: status.tone, detail: textAt(p, "detail") };
  },
  "issue.claimed": (p) => ({ title: "The agent took the issue", detail: textAt(p, "title") }),
  "journal.kept": () => ({ title: "Progress kept, so that another executor can go on", minor: true }),
  "agent.message": (p) => ({ title: "Agent", speech: true, detail: textAt(p, "text") }),
  "agent.tool_call": (p) => ({
    title: `Tool: ${textAt(p, "tool") ?? "unnamed"}`,
    detail: textAt(p, "summary"),
  }),
  "agent.command": (p) => {
    const exitCode = numberAt(p, "exit_code");
    return {
      title: "Command",
      detail: `$ ${textAt(p, "command") ?? ""}${exitCode === undefined ? "" : ` → exit ${exitCode}`}`,
      output: textAt(p, "output"),
    };
  },
  "agent.file_change": (p) => ({
    title: `File ${textAt(p, "change") ?? "changed"}`,
    detail: textAt(p, "path"),
  }),
  "agent.approval": (p) => ({
    title: `Approval: ${textAt(p, "decision") ?? "asked"}`,
    detail: textAt(p, "what"),
    tone: "attention",
  }),
  "agent.usage": (p) => ({
    title: "Model tokens",
    detail: `${numberAt(p, "input_tokens") ?? 0} in, ${numberAt(p, "output_tokens") ?? 0} out`,
    minor: true,
  }),
  "agent.events_omitted": () => ({ title: "Further words of the agent are not kept", minor: true }),
  "patch.made": (p) => ({
    title: "Patch made",
    detail: `${formatBytes(numberAt(p, "bytes") ?? 0)}, sha256 ${shortId(textAt(p, "sha256") ?? "")}`,
  }),
  "quote.selected": (p) => ({
    title: "Quote selected",
    detail: `${sentence(textAt(p, "policy") ?? "cheapest")} of ${listAt(p, "losers").length + 1} offers, from ${shortId(textAt(p, "provider_worker_id") ?? "")}`,
    amountMsats: msatsAt(p, "total_price_msats"),
  }),
  "route.selected": () => ({ title: "Route selected" }),
  "budget.reserved": (p) => ({
    title: "Money set aside",
    detail: "Nobody is paid before the work is verified.",
    amountMsats: msatsAt(p, "amount_msats"),
  }),
  "budget.voided": (p) => ({ title: "Money given back", amountMsats: msatsAt(p, "amount_msats") }),
  "budget.expired": (p) => ({ title: "Reservation lapsed", amountMsats: msatsAt(p, "amount_msats") }),
  "job.dispatched": (p) => ({
    title: JOBS[textAt(p, "purpose") ?? ""] ?? "Check ordered",
    detail: `${
      listAt(p, "spec", "commands")
        .filter((each) => typeof each === "string")
        .join("; ") ||
      (textAt(p, "job_id") ?? "")
    } · ${shortId(textAt(p, "provider_worker_id") ?? "")}`,
  }),
  "job.reported": (p) => ({
    title: textAt(p, "purpose") === "second_opinion" ? "Second run handed in" : "Check handed in",
    detail: shortId(textAt(p, "provider_worker_id") ?? ""),
  }),
  "job.lease_lapsed": () => ({ title: "The provider was not heard from", tone: "attention" }),
  "job.reassigned": () => ({ title: "Given to another provider", tone: "attention" }),
  "job.canceled": () => ({ title: "Job called off" }),
  "verification.second_opinion_requested": (p) => ({
    title: "Looks right; run again elsewhere before anyone is paid",
    detail: textAt(p, "because"),
  }),
  "verification.recorded": (p) => {
    const verdict = statusWord(textAt(p, "verdict") ?? "unknown");
    return {
      title: `Verdict: ${verdict.label.toLowerCase()}`,
      tone: verdict.tone,
      detail: textAt(p, "because"),
    };
  },
  "verification.reviewed": (p) => ({
    title: `Reviewed by a person: ${textAt(p, "decision") ?? ""}`,
    detail: textAt(p, "note"),
  }),
  "payment.released": (p) => {
    const second = msatsAt(p, "second_opinion_msats") ?? 0n;
    const fee = msatsAt(p, "operator_fee_msats") ?? 0n;
    const parts = [`${formatSats(msatsAt(p, "amount_msats") ?? 0n)} to the provider`];
    if (second > 0n) parts.push(`${formatSats(second)} for the second run`);
    if (fee > 0n) parts.push(`${formatSats(fee)} fee`);
    return {
      title: textAt(p, "asset_id") === "demo_msats" ? "Demo credit released" : "Payment released",
      tone: "good",
      detail: parts.join(" · "),
      amountMsats: (msatsAt(p, "amount_msats") ?? 0n) + second + fee,
    };
  },
  "payment.withheld": (p) => ({
    title: "Payment withheld",
    tone: "attention",
    detail: sentence(textAt(p, "withheld_reason") ?? textAt(p, "reason") ?? ""),
  }),
  "forge.updated": (p) => ({ title: "Pull request updated", detail: textAt(p, "url") }),
  "forge.skipped": (p) => ({ title: "No pull request", detail: textAt(p, "reason") }),
  "export.requested": () => ({ title: "Export requested" }),
  "export.begun": () => ({ title: "Export begun" }),
  "panel.quoted": () => ({ title: "Panel quoted" }),
  "panel.decided": (p) => ({ title: "Panel decided", detail: textAt(fieldAt(p), "because") }),
};

const JOBS: Readonly<Record<string, string>> = {
  work: "Check ordered from a provider",
  second_opinion: "Second run ordered",
  adjudication: "Third run ordered, to decide between two",
};
