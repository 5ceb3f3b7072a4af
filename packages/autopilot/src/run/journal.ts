// What a run has done so far, on disk, so that a process killed at any moment
// leaves what the next one needs to go on. A step's result is written when the
// step is done; a step that is not here is done again, and its idempotency key,
// made of run, attempt and step, finds the first answer.

import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  fallbackValues,
  layerKindValues,
  payOnValues,
  quoteDesc,
  reservationDesc,
  sandboxLimitsDesc,
  buyingPolicyValues,
  secondOpinionValues,
  type BuyingPolicy,
  type Fallback,
  type PayOn,
  settlementDesc,
  testRunnerValues,
  toolchainRequirementDesc,
  verificationResultDesc,
  type Layer,
  type Quote,
  type Reservation,
  type SandboxLimits,
  type SecondOpinion,
  type Settlement,
  type ToolchainRequirement,
  type VerificationResult,
} from "@openagents/contracts";
import { JsonError, parseStrict } from "@openagents/receipts";
import { AutopilotError } from "../autopilot-error.ts";
import type { Check } from "../check/index.ts";
import type { PullRequestTarget } from "../forge/index.ts";
import type { BaseFacts } from "../workspace/index.ts";
import { writeDurably } from "../write-durably.ts";
import { amount, flag, list, may, message, must, object, oneOf, text, whole, type Codec } from "./codec.ts";
import { STEPS, type StepName } from "./progress.ts";

/** What the user asked for; it does not change when the run is resumed. */
export type RunRequest = {
  /** An absolute folder, or an address. */
  readonly repo: string;
  readonly issue: { readonly title: string; readonly body: string; readonly url?: string };
  /** `codex`, `acp:CMD` or `script:FILE`. */
  readonly agent: string;
  /** The user's own check; empty: it is chosen from the project. */
  readonly checks: readonly string[];
  /** The most that all attempts together may cost, operator fees included. */
  readonly budgetMsats: bigint;
  readonly attemptsMax: number;
  readonly secondOpinion: SecondOpinion;
  /** What the buyer prefers; the cheapest where absent. */
  readonly policy?: BuyingPolicy;
  /** What the provider is paid for; the outcome where absent. */
  readonly payOn?: PayOn;
  /** Who does the work when the quoted provider cannot; whoever sells it, and the reserve, where absent. */
  readonly fallback?: Fallback;
  /** Whether the source may go to providers of everyone. */
  readonly market?: boolean;
  /** Whether dependencies travel with the work. */
  readonly layers: boolean;
  /** Whether their install scripts may run here. */
  readonly allowScripts: boolean;
  readonly limits: SandboxLimits;
  /** Where the result becomes a pull request; absent: nowhere. */
  readonly pullRequest?: PullRequestTarget & { readonly issueNumber?: number };
};

export type Journal = {
  readonly runId: string;
  readonly createdAtMs: number;
  readonly request: RunRequest;
  /** Of the lease under which this was written. */
  readonly epoch?: bigint;
  readonly base?: BaseFacts;
  /** The base and its layers are stored where another machine finds them; this is the base's bundle. */
  readonly bundleSha256?: string;
  /** Of the journal as it was last kept for others. */
  readonly kept?: string;
  readonly check?: Check;
  /** Files of the base that the check starts. */
  readonly checkPaths?: readonly string[];
  readonly layers?: readonly LayerFacts[];
  readonly attempts: readonly Attempt[];
  /** Set when the run is about to end; what is left then is closing. */
  readonly ending?: Ending;
  readonly bundleDir?: string;
  /** The bundle was written while money was set aside, and is written again when that is settled. */
  readonly bundleOpen?: boolean;
  readonly branch?: string;
  /** Address of the pull request. */
  readonly pullRequestUrl?: string;
  /** The issue has been told how the run ended. */
  readonly issueTold?: boolean;
  /** Nothing is left to do, and no money is set aside. */
  readonly done?: boolean;
};

export type LayerFacts = Layer & { readonly toolchains: readonly ToolchainRequirement[] };

export type Attempt = {
  readonly agent?: { readonly kind: "finished" | "gave_up"; readonly text: string };
  /** Of the patch file that is beside the journal. */
  readonly patchSha256?: string;
  /** The run's log has the patch. */
  readonly patchTold?: boolean;
  readonly orders: readonly Order[];
  /** What the next attempt is told. */
  readonly feedback?: string;
};

/** One purchase: at most one quote is reserved, dispatched and settled. */
export type Order = {
  readonly quote?: Quote;
  /** Set before the money is asked for, because the answer can be lost. */
  readonly reserving?: boolean;
  readonly reservation?: Reservation;
  readonly jobId?: string;
  /** The provider could not do the job, whatever the patch. */
  readonly failed?: boolean;
  readonly verification?: VerificationResult;
  /** Rejected because the run ended, before a person looked at it. */
  readonly unseen?: boolean;
  readonly settlement?: Settlement;
  /** Its money was given back, or none was set aside. */
  readonly closed?: boolean;
};

export type Ending = {
  readonly status: "succeeded" | "failed" | "canceled";
  readonly problem?: RunProblem;
};

export type RunProblem = { readonly step: StepName; readonly code: string; readonly detail: string };

const toolchains = list(message(toolchainRequirementDesc), 64);

const CODEC: Codec<Journal & { readonly version: "1" }> = object<Journal & { readonly version: "1" }>({
  version: must(oneOf(["1"])),
  runId: must(text),
  createdAtMs: must(whole),
  request: must(
    object<RunRequest>({
      repo: must(text),
      issue: must(object<RunRequest["issue"]>({ title: must(text), body: must(text), url: may(text) })),
      agent: must(text),
      checks: must(list(text, 20)),
      budgetMsats: must(amount),
      attemptsMax: must(whole),
      secondOpinion: must(oneOf(secondOpinionValues)),
      policy: may(oneOf(buyingPolicyValues)),
      payOn: may(oneOf(payOnValues)),
      fallback: may(oneOf(fallbackValues)),
      market: may(flag),
      layers: must(flag),
      allowScripts: must(flag),
      limits: must(message(sandboxLimitsDesc)),
      pullRequest: may(
        object<NonNullable<RunRequest["pullRequest"]>>({
          origin: must(text),
          owner: must(text),
          name: must(text),
          cloneUrl: must(text),
          base: must(text),
          issueNumber: may(whole),
        }),
      ),
    }),
  ),
  epoch: may(amount),
  base: may(
    object<BaseFacts>({
      commit: must(text),
      tree: must(text),
      origin: may(object<NonNullable<BaseFacts["origin"]>>({ repo: must(text), head: must(text) })),
      cloneHead: may(text),
      uncommitted: must(whole),
    }),
  ),
  bundleSha256: may(text),
  kept: may(text),
  check: may(
    object<Check>({
      commands: must(list(text, 20)),
      toolchains: must(toolchains),
      testRunner: may(oneOf(testRunnerValues)),
      because: must(text),
    }),
  ),
  checkPaths: may(list(text, 200)),
  layers: may(
    list(
      object<LayerFacts>({
        kind: must(oneOf(layerKindValues)),
        sha256: must(text),
        path: must(text),
        toolchains: must(toolchains),
      }),
      16,
    ),
  ),
  attempts: must(
    list(
      object<Attempt>({
        agent: may(
          object<NonNullable<Attempt["agent"]>>({
            kind: must(oneOf(["finished", "gave_up"])),
            text: must(text),
          }),
        ),
        patchSha256: may(text),
        patchTold: may(flag),
        orders: must(
          list(
            object<Order>({
              quote: may(message(quoteDesc)),
              reserving: may(flag),
              reservation: may(message(reservationDesc)),
              jobId: may(text),
              failed: may(flag),
              verification: may(message(verificationResultDesc)),
              unseen: may(flag),
              settlement: may(message(settlementDesc)),
              closed: may(flag),
            }),
            20,
          ),
        ),
        feedback: may(text),
      }),
      20,
    ),
  ),
  ending: may(
    object<Ending>({
      status: must(oneOf(["succeeded", "failed", "canceled"])),
      problem: may(object<RunProblem>({ step: must(oneOf(STEPS)), code: must(text), detail: must(text) })),
    }),
  ),
  bundleDir: may(text),
  bundleOpen: may(flag),
  branch: may(text),
  pullRequestUrl: may(text),
  issueTold: may(flag),
  done: may(flag),
});

/** Throws `journal_invalid` naming the member that is wrong. */
export function parseJournal(bytes: string): Journal {
  let value: unknown;
  try {
    value = parseStrict(bytes);
  } catch (cause) {
    if (!(cause instanceof JsonError)) throw cause;
    throw new AutopilotError("journal_invalid", "The run's journal is not JSON.", { cause });
  }
  const { version: _, ...journal } = CODEC.read(value, "journal");
  return journal;
}

export function printJournal(journal: Journal): string {
  return `${JSON.stringify(CODEC.write({ version: "1", ...journal }), null, 1)}\n`;
}

export type JournalFile = {
  readonly current: Journal;
  /** On disk when this resolves. Throws `executor_fenced` when a later lease has written. */
  save(change: Partial<Journal>): Promise<void>;
  /** Change the last attempt. */
  saveAttempt(change: Partial<Attempt>): Promise<void>;
  /** Change the last order of the last attempt. */
  saveOrder(change: Partial<Order>): Promise<void>;
};

const FILE = "journal.json";

/** Begin a run's journal in its folder. */
export async function createJournal(folder: string, journal: Journal): Promise<JournalFile> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = journalFile(folder, journal);
  await file.save({});
  return file;
}

/** Throws `run_not_here` when this data directory has no such run, and `journal_invalid`. */
export async function loadJournal(folder: string, runId: string): Promise<JournalFile> {
  const bytes = await readFile(join(folder, FILE), "utf8").catch((cause: unknown) => {
    if (!(cause instanceof Error && "code" in cause && cause.code === "ENOENT")) throw cause;
    throw new AutopilotError(
      "run_not_here",
      `There is no journal of ${runId} in this data directory, and none in the run's own log. It goes on only where it was started, and a fork was not started anywhere.`,
      { cause },
    );
  });
  const journal = parseJournal(bytes);
  if (journal.runId !== runId)
    throw new AutopilotError("journal_invalid", `The journal is of ${journal.runId}.`);
  return journalFile(folder, journal);
}

function journalFile(folder: string, first: Journal): JournalFile {
  let current = first;
  const save = async (change: Partial<Journal>) => {
    const next = { ...current, ...change };
    await refuseStale(folder, next);
    await writeDurably(join(folder, FILE), printJournal(next));
    current = next;
  };
  const saveAttempt = (change: Partial<Attempt>) => {
    const last = current.attempts.at(-1) ?? { orders: [] };
    return save({ attempts: [...current.attempts.slice(0, -1), { ...last, ...change }] });
  };
  return {
    get current() {
      return current;
    },
    save,
    saveAttempt,
    saveOrder(change) {
      const orders = current.attempts.at(-1)?.orders ?? [];
      return saveAttempt({ orders: [...orders.slice(0, -1), { ...orders.at(-1), ...change }] });
    },
  };
}

/** A process that was suspended, and has lost the run meanwhile, does not write over what happened since. */
async function refuseStale(folder: string, { runId, epoch = 0n }: Journal): Promise<void> {
  const bytes = await readFile(join(folder, FILE), "utf8").catch(() => undefined);
  const written = bytes === undefined ? undefined : parseJournal(bytes).epoch;
  if (written === undefined || written <= epoch) return;
  throw new AutopilotError("executor_fenced", `Another process has gone on with ${runId}.`);
}

/** Whether an order's money may be set aside: it was asked for, and neither settled nor given back. */
export function isOpen({ reserving, settlement, closed }: Order): boolean {
  return reserving === true && settlement === undefined && closed !== true;
}

/** Msats that are set aside, or were asked for and not answered. */
export function openMsats({ attempts }: Journal): bigint {
  return attempts
    .flatMap(({ orders }) => orders.filter(isOpen))
    .reduce(
      (sum, { reservation, quote }) => sum + (reservation?.amountMsats ?? quote?.totalPriceMsats ?? 0n),
      0n,
    );
}

/** Msats that all settlements so far have cost. */
export function spentMsats({ attempts }: Journal): bigint {
  return attempts
    .flatMap(({ orders }) => orders)
    .reduce((sum, { settlement }) => sum + (settlement === undefined ? 0n : costOf(settlement)), 0n);
}

export function costOf({ providerMsats, operatorFeeMsats, secondOpinionMsats }: Settlement): bigint {
  return providerMsats + operatorFeeMsats + secondOpinionMsats;
}
