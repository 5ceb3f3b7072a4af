// Whether a provider is paid for a verified job, and how the money splits.
//
// Pure. Release needs the verdict `proven`; everything else withholds, and the
// buyer has the whole amount back.

import type { Verdict } from "@openagents/contracts";

export type SettlementDecision =
  | { readonly kind: "release"; readonly providerMsats: bigint; readonly operatorFeeMsats: bigint }
  | { readonly kind: "withhold"; readonly reason: WithheldReason };

export type WithheldReason = "violations" | `verdict_${Exclude<Verdict, "proven">}`;

export function decideSettlement(
  verification: { readonly verdict: Verdict; readonly violations: readonly string[] },
  price: { readonly providerPriceMsats: bigint; readonly operatorFeeMsats: bigint },
): SettlementDecision {
  if (verification.violations.length > 0) return { kind: "withhold", reason: "violations" };
  if (verification.verdict !== "proven")
    return { kind: "withhold", reason: `verdict_${verification.verdict}` };
  return {
    kind: "release",
    providerMsats: price.providerPriceMsats,
    operatorFeeMsats: price.operatorFeeMsats,
  };
}
