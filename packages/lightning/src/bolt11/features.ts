// Feature bits of BOLT 9 that may stand in an invoice.
//
// An even bit asks the payer to know the feature, the odd bit above it only
// offers it. An unknown odd bit is ignored, an unknown even one forbids paying.

import { Bolt11Error } from "./bolt11-error.ts";

/** Even bit of each feature that we know in invoices. */
export const FEATURES = {
  varOnion: 8,
  paymentSecret: 14,
  basicMpp: 16,
  routeBlinding: 24,
  attributionData: 36,
  paymentMetadata: 48,
} as const;

/** What the payee of a plain invoice sets: both required by every current node. */
export const FEATURES_DEFAULT: readonly number[] = [FEATURES.varOnion, FEATURES.paymentSecret];

const KNOWN: ReadonlySet<number> = new Set(Object.values(FEATURES));

// BOLT 9: a feature is only set together with those that it rests on.
const RESTS_ON: readonly (readonly [feature: number, on: number])[] = [
  [FEATURES.paymentSecret, FEATURES.varOnion],
  [FEATURES.basicMpp, FEATURES.paymentSecret],
  [FEATURES.routeBlinding, FEATURES.varOnion],
];

export function hasFeature(features: readonly number[], feature: number): boolean {
  return features.includes(feature) || features.includes(feature + 1);
}

/** Refuses bits that forbid paying: unknown required ones, and features without what they rest on. */
export function checkFeatures(features: readonly number[]): void {
  const unknown = features.find((bit) => bit % 2 === 0 && !KNOWN.has(bit));
  if (unknown !== undefined)
    throw new Bolt11Error("feature_unknown", `the invoice requires feature ${unknown}, which we do not know`);
  for (const [feature, on] of RESTS_ON) {
    if (hasFeature(features, feature) && !hasFeature(features, on))
      throw new Bolt11Error("feature_dependency", `feature ${feature} is set without feature ${on}`);
  }
}

/** The numbers of the set bits, ascending; the last bit of the last word is bit 0. */
export function featuresOf(words: readonly number[]): number[] {
  const bits: number[] = [];
  words.toReversed().forEach((word, index) => {
    for (let bit = 0; bit < 5; bit++) if ((word >> bit) & 1) bits.push(index * 5 + bit);
  });
  return bits;
}

export function wordsOfFeatures(features: readonly number[]): number[] {
  const words = Array.from({ length: Math.floor(Math.max(-1, ...features) / 5) + 1 }, () => 0);
  for (const bit of features) {
    const at = words.length - 1 - Math.floor(bit / 5);
    words[at] = (words[at] ?? 0) | (1 << (bit % 5));
  }
  return words;
}
