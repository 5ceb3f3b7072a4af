// What a run on this computer needs besides the stack: providers that sell it the
// check, and money to buy it with.

import { setTimeout as delay } from "node:timers/promises";
import {
  dataDirAt,
  ensureLocalProviders,
  localOwner,
  openStackLog,
  tokenSource,
  type LocalProviders,
} from "@openagents/stack";
import { CliError } from "../cli-error.ts";
import type { Context } from "../context.ts";
import { formatSats, type StepList } from "../terminal/index.ts";
import type { Place, PlaceOptions } from "./place.ts";
import { stepOf } from "./step-of.ts";

/** As its owner; what `createClient` takes. */
export function clientOf(context: Context, { record, keys }: Place) {
  return { baseUrl: record.runtimeUrl, token: tokenSource(keys, localOwner(keys), context.nowMs) };
}

export function openProviders(
  context: Context,
  place: Place,
  { dataDir, signal }: Pick<PlaceOptions, "dataDir" | "signal">,
  steps: StepList,
): Promise<LocalProviders> {
  return stepOf(steps, "providers", "in their sandboxes", async (step) => {
    await requireActive(context, place, signal);
    const started = await ensureLocalProviders({
      dataDir: dataDirAt(dataDir),
      keys: place.keys,
      runtimeUrl: place.record.runtimeUrl,
      log: openStackLog(dataDir),
      nowMs: context.nowMs,
      signal,
    });
    const market = started.providers.filter((provider) => provider.role === "market");
    const offers = market.map((offer) => `${offer.displayName} ${formatSats(offer.priceMsats)}`);
    const others =
      "this computer and the operator's reserve for second opinions; all are demo processes on this computer";
    step.done(
      [`${offers.join(", ")}; ${others}`, started.sandbox].filter((part) => part !== undefined).join("; "),
    );
    return started;
  });
}

/** Providers wait for the end of a freeze before they register; a person is told instead. */
async function requireActive(context: Context, place: Place, signal: AbortSignal): Promise<void> {
  const { Operations, createClient } = await import("@openagents/contracts");
  const { mode } = await createClient(Operations, clientOf(context, place)).getAuthorityMode({}, { signal });
  if (mode === "active") return;
  throw new CliError("writes_frozen", "all writes are frozen", {
    nextStep: "`openagents unfreeze` ends it",
  });
}

/** See to it that an amount can be spent: demo credit makes up for what is short. It is no money, and says so. */
export async function openCredit(
  context: Context,
  place: Place,
  amountMsats: bigint,
  memo: string,
  signal: AbortSignal,
  steps: StepList,
): Promise<void> {
  const { ProblemError, Treasury, createClient } = await import("@openagents/contracts");
  const treasury = createClient(Treasury, clientOf(context, place));
  const { availableMsats } = await treasury.getComputeSummary({}, { signal });
  if (availableMsats >= amountMsats) return;
  await stepOf(steps, "credit", "", async (step) => {
    try {
      const grant = await treasury.grantDemoCredit(
        { amountMsats: amountMsats - availableMsats, memo },
        { signal },
      );
      step.done(
        `${formatSats(grant.amountMsats)} demo credit, which is no money; ${formatSats(grant.availableMsats)} available`,
      );
    } catch (error) {
      // A stack with real money grants none; a quote within what is there may do.
      if (!(error instanceof ProblemError && error.reason === "demo_grants_disabled")) throw error;
      step.done(`${formatSats(availableMsats)} available, less than the budget`);
    }
  });
}

const LOOK_EVERY_MS = 250;

/** Wait until no other command uses what this one has started; whoever interrupts it does not wait. */
export async function waitForUsers(place: Place, signal: AbortSignal, steps: StepList): Promise<void> {
  if (signal.aborted || !place.isUsed()) return;
  const step = steps.start("wait", "another run uses this stack; Ctrl-C stops it all the same");
  while (!signal.aborted && place.isUsed()) await delay(LOOK_EVERY_MS);
  step.done(signal.aborted ? "interrupted" : "the stack is not used any more");
}

export async function stopPlace(place: Place, steps: StepList): Promise<void> {
  if (place.stays) return await place.stop();
  await stepOf(steps, "stop", "", async (step) => {
    await place.stop();
    step.done("stack and database");
  });
}
