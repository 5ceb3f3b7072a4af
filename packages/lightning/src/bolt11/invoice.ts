// What an invoice says, in our own terms. Amounts are msats and hashes are
// lower-case hex; times inside an invoice are whole seconds, as on the wire.

import type { FallbackAddress } from "./fallback.ts";
import type { Network } from "./network.ts";

/** Seconds after which an invoice without an `x` field lapses. */
export const EXPIRY_SECONDS_DEFAULT = 3_600;
/** Blocks that the last hop needs when there is no `c` field. */
export const MIN_FINAL_CLTV_DEFAULT = 18;

/** One hop of a private route: the channel out of `nodeId`, with what that node asks for forwarding. */
export type RouteHop = {
  /** Compressed public key, 66 hex digits. */
  readonly nodeId: string;
  /** Block height (24 bits), transaction index (24), output index (16). */
  readonly shortChannelId: bigint;
  readonly feeBaseMsats: bigint;
  /** Millionths of the forwarded amount. */
  readonly feePpm: number;
  readonly cltvDelta: number;
};

/** Exactly one of the two: the text itself, or the sha256 of a text that travels elsewhere. */
export type Description =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "hash"; readonly sha256: string };

/** Everything that the payee signs. */
export type InvoiceTerms = {
  readonly network: Network;
  /** `undefined` leaves the amount to the payer. */
  readonly amountMsats: bigint | undefined;
  readonly createdAtSeconds: number;
  readonly paymentHash: string;
  /** Shows the payee that the payer has this invoice; without it the route could probe. */
  readonly paymentSecret: string;
  readonly description: Description;
  readonly expirySeconds: number;
  readonly minFinalCltv: number;
  /** Numbers of the set feature bits of BOLT 9, ascending. Even ones are required of the payer. */
  readonly features: readonly number[];
  /** Hex; handed back to the payee with the payment. */
  readonly metadata: string | undefined;
  /** In the payee's order of preference. */
  readonly fallbacks: readonly FallbackAddress[];
  /** Each is one private route to the payee, first hop first. */
  readonly routeHints: readonly (readonly RouteHop[])[];
};

/** An invoice whose signature holds. */
export type Invoice = InvoiceTerms & {
  /** The node that signed: recovered from the signature, or named in the invoice and checked. */
  readonly payee: string;
  /** Lower-case bech32, as it can be given to a node. */
  readonly text: string;
};

/** The first millisecond at which the payee may refuse: it lapses at that time, not after it. */
export function expiresAtMs(invoice: Pick<InvoiceTerms, "createdAtSeconds" | "expirySeconds">): number {
  return (invoice.createdAtSeconds + invoice.expirySeconds) * 1_000;
}
