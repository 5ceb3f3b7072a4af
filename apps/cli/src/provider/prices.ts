// What a provider asks for, from how it was typed to what the market is told. Pure.

import type { PayOn, PriceBand, Worker } from "@openagents/contracts";
import { InvalidArgumentError } from "commander";
import { parseAmount } from "../arguments.ts";
import { CliError, EXIT } from "../cli-error.ts";
import { formatSats } from "../terminal/index.ts";

export type PriceOptions = {
  readonly price?: bigint;
  readonly executionPrice?: bigint;
  readonly payOn?: PayOn;
  readonly priceBand?: readonly PriceBand[];
};

export type Prices = Pick<Worker, "priceMsats" | "executionPriceMsats" | "priceBands">;

const JOB_TYPE = "oa.sandbox_run.v1";
const BAND = /^(?:(oa\.[a-z_]{1,40}\.v[0-9]{1,3}):)?(outcome|execution)=([^+]+?)(?:\+(.+?))?\.\.(.+)$/;
const BAND_FORM = "Give it as outcome=MIN+STEP..MAX, such as outcome=150sat+50sat..400sat.";

/** One more band; for options that may be given several times. */
export function collectBand(text: string, earlier: readonly PriceBand[] | undefined = []): PriceBand[] {
  const [, capability = JOB_TYPE, payOn, min, step, max] = BAND.exec(text) ?? [];
  if (payOn === undefined || min === undefined || max === undefined)
    throw new InvalidArgumentError(BAND_FORM);
  const band: PriceBand = {
    capability,
    payOn: payOn === "execution" ? "execution" : "outcome",
    minPriceMsats: parseAmount(min),
    maxPriceMsats: parseAmount(max),
    ...(step === undefined ? {} : { stepMsats: parseAmount(step) }),
  };
  if (band.maxPriceMsats < band.minPriceMsats)
    throw new InvalidArgumentError("A band's maximum is at least its minimum.");
  if (earlier.some((other) => other.capability === capability && other.payOn === band.payOn))
    throw new InvalidArgumentError(`There is another band for ${capability} on ${payOn}. Give one.`);
  return [...earlier, band];
}

/** The text that `collectBand` reads as this band. */
export function bandText({ capability, payOn, minPriceMsats, stepMsats, maxPriceMsats }: PriceBand): string {
  const step = stepMsats === undefined ? "" : `+${stepMsats}msat`;
  return `${capability}:${payOn}=${minPriceMsats}msat${step}..${maxPriceMsats}msat`;
}

/** Throws `usage` for prices of what is not sold. */
export function pricesOf(options: PriceOptions, fairMsats: bigint): Prices {
  const { payOn, price, executionPrice, priceBand: priceBands = [] } = options;
  if (payOn === "execution" && price !== undefined)
    throw notSold("--price is for jobs that are paid for when they pass", "give --execution-price");
  if (payOn === "outcome" && executionPrice !== undefined)
    throw notSold("--execution-price is for jobs that are paid for whatever their verdict", "give --price");
  const other = priceBands.find((band) => payOn !== undefined && band.payOn !== payOn);
  if (other !== undefined) throw notSold(`a band is on ${other.payOn}`, `give --price-band ${payOn}=…`);
  if (payOn === "execution")
    return { priceMsats: 0n, executionPriceMsats: executionPrice ?? fairMsats, priceBands };
  return {
    priceMsats: price ?? fairMsats,
    ...(executionPrice === undefined ? {} : { executionPriceMsats: executionPrice }),
    priceBands,
  };
}

export function priceWords({ priceMsats, executionPriceMsats, priceBands }: Prices): string {
  return [
    ...(priceMsats === 0n ? [] : [`${formatSats(priceMsats)} a job`]),
    ...(executionPriceMsats === undefined
      ? []
      : [`${formatSats(executionPriceMsats)} a job whatever its verdict`]),
    ...priceBands.map(bandWords),
  ].join("; ");
}

/** Of a sandboxed run, for one way of payment; empty where none is sold. */
export function askedWords({ priceMsats, executionPriceMsats, priceBands }: Prices, payOn: PayOn): string {
  const band = priceBands.find((each) => each.capability === JOB_TYPE && each.payOn === payOn);
  if (band !== undefined) {
    const { minPriceMsats, maxPriceMsats, stepMsats } = band;
    const most = stepMsats === undefined ? "" : `–${formatSats(maxPriceMsats)}`;
    return `${formatSats(minPriceMsats)}${most}`;
  }
  const asked = payOn === "execution" ? executionPriceMsats : priceMsats;
  return asked === undefined || asked === 0n ? "" : formatSats(asked);
}

function bandWords({ capability, payOn, minPriceMsats, stepMsats, maxPriceMsats }: PriceBand): string {
  const range =
    stepMsats === undefined
      ? formatSats(minPriceMsats)
      : `${formatSats(minPriceMsats)} to ${formatSats(maxPriceMsats)}, ${formatSats(stepMsats)} more for each open job`;
  return `${capability} on ${payOn}: ${range}`;
}

function notSold(problem: string, nextStep: string): CliError {
  return new CliError("usage", `${problem}, and --pay-on says that none of them is sold`, {
    nextStep,
    exitCode: EXIT.usage,
  });
}
