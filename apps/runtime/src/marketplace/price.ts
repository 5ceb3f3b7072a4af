// What a job costs. Integer msats throughout; each formula says how it rounds. Pure.

import type { PayOn, SupplyClass } from "@openagents/contracts";
import type { Worker } from "../workers/index.ts";
import { isOperator } from "../zones/index.ts";

const OPERATOR_FEE_BPS = 50n;

/** What the operator's own supply costs on top, because it stands by for what the market cannot do. */
const RESERVE_POOL_ADDER_MSATS = 500n;

/** One run at a provider: its price, and what the operator adds to it. */
export type Priced = {
  readonly priceMsats: bigint;
  readonly feeMsats: bigint;
  readonly adderMsats: bigint;
};

/**
 * What a provider asks for one job. A band's price rises by its step with each
 * job that is open, up to its maximum. Undefined when it does not sell that.
 */
export function askedPrice(
  worker: Pick<Worker, "priceMsats" | "executionPriceMsats" | "priceBands">,
  capability: string,
  payOn: PayOn,
  openJobs: number,
): bigint | undefined {
  const band = worker.priceBands.find((each) => each.capability === capability && each.payOn === payOn);
  if (band !== undefined) {
    const price = band.minPriceMsats + (band.stepMsats ?? 0n) * BigInt(openJobs);
    return price < band.maxPriceMsats ? price : band.maxPriceMsats;
  }
  if (payOn === "execution") return worker.executionPriceMsats;
  return worker.priceMsats > 0n ? worker.priceMsats : undefined;
}

/** Who repeats a run is paid for it whatever it finds; one that sells outcomes only does it for that price. */
export function secondPrice(
  worker: Pick<Worker, "priceMsats" | "executionPriceMsats" | "priceBands">,
  capability: string,
  openJobs: number,
): bigint | undefined {
  return (
    askedPrice(worker, capability, "execution", openJobs) ??
    askedPrice(worker, capability, "outcome", openJobs)
  );
}

export function priceOf(worker: Pick<Worker, "zoneTenths">, priceMsats: bigint): Priced {
  return {
    priceMsats,
    feeMsats: operatorFee(priceMsats),
    adderMsats: supplyClassOf(worker) === "reserve_pool" ? RESERVE_POOL_ADDER_MSATS : 0n,
  };
}

export function sumOf({ priceMsats, feeMsats, adderMsats }: Priced): bigint {
  return priceMsats + feeMsats + adderMsats;
}

export function supplyClassOf({ zoneTenths }: Pick<Worker, "zoneTenths">): SupplyClass {
  return isOperator({ zoneTenths }) ? "reserve_pool" : "single_node";
}

/** ceil(price × 50 / 10 000): the operator never rounds in its own disfavour, and never by more than 1 msat. */
export function operatorFee(providerPriceMsats: bigint): bigint {
  return (providerPriceMsats * OPERATOR_FEE_BPS + 9_999n) / 10_000n;
}
