// Prices that a worker names for single job types. Pure.

import type { PriceBand, RegisterWorkerRequest } from "@openagents/contracts";
import { canonicalize, type JsonObject } from "@openagents/receipts";

/** The first rule that a registration's bands break, as the field and what to do. */
export function findBandProblem(
  bands: readonly PriceBand[],
  capabilities: readonly string[],
): { readonly field: string; readonly message: string } | undefined {
  const seen = new Set<string>();
  for (const [index, band] of bands.entries()) {
    const field = `price_bands[${index}]`;
    const name = `${band.capability} ${band.payOn}`;
    if (!capabilities.includes(band.capability))
      return { field, message: `The worker does not sell ${band.capability}. Name it in capabilities.` };
    if (band.maxPriceMsats < band.minPriceMsats)
      return { field, message: "A band's maximum is at least its minimum." };
    if (seen.has(name)) return { field, message: `There is another band for ${name}. Name one.` };
    seen.add(name);
  }
  return undefined;
}

/** Whether the worker names any price at all. */
export function hasPrice(
  prices: Pick<RegisterWorkerRequest, "priceMsats" | "executionPriceMsats" | "priceBands">,
): boolean {
  return prices.priceMsats > 0n || prices.executionPriceMsats !== undefined || prices.priceBands.length > 0;
}

export function bandFacts(band: PriceBand): JsonObject {
  return {
    capability: band.capability,
    pay_on: band.payOn,
    min_price_msats: Number(band.minPriceMsats),
    max_price_msats: Number(band.maxPriceMsats),
    ...(band.stepMsats === undefined ? {} : { step_msats: Number(band.stepMsats) }),
  };
}

export function bandsText(bands: readonly PriceBand[]): string {
  return canonicalize(bands.map(bandFacts));
}

export function bandsFromText(text: string): PriceBand[] {
  type Stored = {
    readonly capability: string;
    readonly pay_on: PriceBand["payOn"];
    readonly min_price_msats: number;
    readonly max_price_msats: number;
    readonly step_msats?: number;
  };
  return (JSON.parse(text) as Stored[]).map((band) => ({
    capability: band.capability,
    payOn: band.pay_on,
    minPriceMsats: BigInt(band.min_price_msats),
    maxPriceMsats: BigInt(band.max_price_msats),
    stepMsats: band.step_msats === undefined ? undefined : BigInt(band.step_msats),
  }));
}
