// What a run amounts to after some of its events. Pure, and a function of the
// events alone: a replay shows the run as it stood by folding the first of them.

import { describeEvent, type Step } from "./describe-event.ts";
import { listAt, msatsAt, numberAt, textAt, fieldAt, type LoggedEvent } from "./event.ts";

export type LegCommand = {
  readonly command: string;
  readonly exitCode: number | undefined;
  readonly limit: string | undefined;
  readonly durationMs: number;
  readonly stdoutSha256: string | undefined;
  readonly stderrSha256: string | undefined;
};

/** One leg of a check: on the base, with the patch, or with the base's own tests put back. */
export type CheckLeg = { readonly leg: string; readonly commands: readonly LegCommand[] };

export type CheckRun = { readonly by: string | undefined; readonly legs: readonly CheckLeg[] };

export type Outcome = {
  readonly verdict: string;
  readonly assurance: string;
  readonly proof: string;
  readonly because: string;
  readonly testsFixed: number | undefined;
  readonly testsKept: number | undefined;
  readonly disagreement: boolean;
  readonly first: CheckRun;
  readonly second: CheckRun | undefined;
  readonly receiptId: string | undefined;
  readonly jobId: string | undefined;
  /** Files for whose sake a person must decide. */
  readonly reviewPaths: readonly string[];
  /** What a person decided. */
  readonly reviewed: string | undefined;
};

/** A step of the money's way, each with the receipt that proves it. */
export type MoneyStep = {
  readonly kind: "quote" | "reservation" | "release" | "withheld" | "returned";
  readonly msats: bigint;
  readonly atMs: number;
  readonly receiptId: string | undefined;
  readonly parts: readonly { readonly label: string; readonly msats: bigint }[];
};

export type Patch = {
  readonly seq: number;
  readonly sha256: string;
  readonly bytes: number;
  readonly attempt: number;
  /** Whether a later event shows that its bytes are kept; before that they may still be on their way. */
  readonly kept: boolean;
};

export type RunStory = {
  readonly title: string | undefined;
  readonly body: string | undefined;
  readonly issueUrl: string | undefined;
  readonly agent: string | undefined;
  readonly budgetMsats: bigint | undefined;
  readonly steps: readonly Step[];
  readonly startedAtMs: number | undefined;
  readonly lastAtMs: number | undefined;
  readonly money: readonly MoneyStep[];
  readonly patches: readonly Patch[];
  readonly touchedPaths: readonly string[];
  readonly outcome: Outcome | undefined;
  readonly finished: string | undefined;
  /** Why it ended so, in the words of whoever ended it. */
  readonly finishedBecause: string | undefined;
  readonly demoMoney: boolean;
};

export function foldRun(events: readonly LoggedEvent[]): RunStory {
  const first = events.find(({ eventType }) => eventType === "run.started")?.payload;
  const last = events.findLast(({ eventType }) => eventType === "run.finished")?.payload;
  const verified = events.findLast(({ eventType }) => eventType === "verification.recorded")?.payload;
  const reviewed = events.findLast(({ eventType }) => eventType === "verification.reviewed")?.payload;
  return {
    title: textAt(first, "issue", "title"),
    body: textAt(first, "issue", "body"),
    issueUrl: textAt(first, "issue", "url"),
    agent: textAt(first, "metadata", "agent"),
    budgetMsats: msatsAt(first, "metadata", "budget_msats"),
    steps: events.map(describeEvent),
    startedAtMs: events[0]?.recordedAt,
    lastAtMs: events.at(-1)?.recordedAt,
    money: events.flatMap(moneyStep),
    patches: events.flatMap((event) => patchOf(event, events)),
    touchedPaths: [...new Set(events.flatMap(touchedPath))],
    outcome: verified === undefined ? undefined : outcomeOf(verified, reviewed),
    finished: textAt(last, "status"),
    finishedBecause: textAt(last, "detail"),
    demoMoney: events.some(({ payload }) => textAt(payload, "asset_id") === "demo_msats"),
  };
}

function touchedPath({ eventType, payload }: LoggedEvent): string[] {
  const path = eventType === "agent.file_change" ? textAt(payload, "path") : undefined;
  return path === undefined ? [] : [path];
}

function patchOf({ seq, eventType, payload }: LoggedEvent, events: readonly LoggedEvent[]): Patch[] {
  const sha256 = textAt(payload, "sha256");
  if (eventType !== "patch.made" || sha256 === undefined) return [];
  const bytes = numberAt(payload, "bytes") ?? 0;
  const kept = events.some((later) => later.seq > seq && showsKept(later, sha256));
  return [{ seq: Number(seq), sha256, bytes, attempt: numberAt(payload, "attempt") ?? 1, kept }];
}

function showsKept({ eventType, payload }: LoggedEvent, sha256: string): boolean {
  return (
    eventType === "run.finished" ||
    listAt(payload, "inputs").includes(sha256) ||
    textAt(payload, "spec", "patch_sha256") === sha256
  );
}

function moneyStep({ eventType, payload: p, recordedAt: atMs }: LoggedEvent): MoneyStep[] {
  const receiptId = textAt(p, "receipt_id");
  const of = (name: string) => msatsAt(p, name) ?? 0n;
  switch (eventType) {
    case "quote.selected": {
      const second = msatsAt(p, "second_opinion", "provider_price_msats") ?? 0n;
      const secondFee = msatsAt(p, "second_opinion", "operator_fee_msats") ?? 0n;
      const parts = partsOf(of("provider_price_msats"), second, of("operator_fee_msats") + secondFee);
      return [{ kind: "quote", msats: of("total_price_msats"), atMs, receiptId, parts }];
    }
    case "budget.reserved":
      return [{ kind: "reservation", msats: of("amount_msats"), atMs, receiptId, parts: [] }];
    case "budget.voided":
    case "budget.expired":
      return [{ kind: "returned", msats: of("amount_msats"), atMs, receiptId, parts: [] }];
    case "payment.released":
    case "payment.withheld": {
      const amounts = [of("amount_msats"), of("second_opinion_msats"), of("operator_fee_msats")] as const;
      const msats = amounts[0] + amounts[1] + amounts[2];
      const kind = eventType === "payment.released" ? "release" : "withheld";
      return [{ kind, msats, atMs, receiptId, parts: partsOf(...amounts) }];
    }
    default:
      return [];
  }
}

function partsOf(provider: bigint, second: bigint, fee: bigint): MoneyStep["parts"] {
  return [
    { label: "Provider", msats: provider },
    { label: "Second run", msats: second },
    { label: "Operator fee", msats: fee },
  ].filter(({ msats }) => msats > 0n);
}

function outcomeOf(p: LoggedEvent["payload"], reviewed: LoggedEvent["payload"] | undefined): Outcome {
  const second = checkRun(p, "second_result", "second_worker_id");
  return {
    verdict: textAt(p, "verdict") ?? "unknown",
    assurance: textAt(p, "assurance") ?? "",
    proof: textAt(p, "proof") ?? "",
    because: textAt(p, "because") ?? "",
    testsFixed: numberAt(p, "tests_fixed"),
    testsKept: numberAt(p, "tests_kept"),
    disagreement: fieldAt(p, "disagreement") === true,
    first: checkRun(p, "result", "provider_worker_id"),
    second: second.legs.length === 0 ? undefined : second,
    receiptId: textAt(p, "receipt_id"),
    jobId: textAt(p, "job_id"),
    reviewPaths: listAt(p, "review_paths").filter((path) => typeof path === "string"),
    reviewed: textAt(reviewed, "decision"),
  };
}

function checkRun(p: LoggedEvent["payload"], result: string, worker: string): CheckRun {
  return {
    by: textAt(p, worker),
    legs: listAt(p, result, "legs").map((leg) => ({
      leg: textAt(leg, "leg") ?? "",
      commands: listAt(leg, "commands").map((command) => ({
        command: textAt(command, "command") ?? "",
        exitCode: numberAt(command, "exit_code"),
        limit: textAt(command, "limit"),
        durationMs: numberAt(command, "duration_ms") ?? 0,
        stdoutSha256: textAt(command, "stdout_sha256"),
        stderrSha256: textAt(command, "stderr_sha256"),
      })),
    })),
  };
}
