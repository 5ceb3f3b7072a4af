// From terms and a node's key to the text of an invoice.

import { formatAmount } from "./amount.ts";
import { formatBech32 } from "./bech32-text.ts";
import { Bolt11Error } from "./bolt11-error.ts";
import { decodeInvoice } from "./decode.ts";
import { writeFields } from "./fields.ts";
import type { Invoice, InvoiceTerms } from "./invoice.ts";
import { NETWORK_PREFIXES } from "./network.ts";
import { publicKeyOf, signWords } from "./signature.ts";
import { wordsOfNumber } from "./words.ts";

const TIMESTAMP_MAX = 2 ** 35 - 1;

export type EncodeOptions = {
  /** Name the signer in the invoice (field `n`) instead of leaving it to recovery. */
  readonly namePayee?: boolean;
};

/**
 * Write and sign an invoice with the payee's 32-byte secret key.
 *
 * Amounts take their shortest form and the signature is deterministic, so the
 * same terms and key always give the same text. The text is read back before
 * it is returned: what `decodeInvoice` would refuse is never handed out, and
 * Bolt11Error names the rule.
 */
export function encodeInvoice(
  terms: InvoiceTerms,
  secretKey: Uint8Array,
  options: EncodeOptions = {},
): Invoice {
  checkNumbers(terms);
  const hrp = `ln${NETWORK_PREFIXES[terms.network]}${formatAmount(terms.amountMsats)}`;
  const words = [
    ...wordsOfNumber(terms.createdAtSeconds, 7),
    ...writeFields(terms, options.namePayee === true ? publicKeyOf(secretKey) : undefined),
  ];
  return decodeInvoice(formatBech32(hrp, [...words, ...signWords(hrp, words, secretKey)]), terms.network);
}

function checkNumbers(terms: InvoiceTerms): void {
  if (!isWhole(terms.createdAtSeconds) || terms.createdAtSeconds > TIMESTAMP_MAX)
    throw new Bolt11Error(
      "timestamp_range",
      "the time of an invoice is a whole number of seconds below 2^35",
    );
  for (const field of ["expirySeconds", "minFinalCltv"] as const) {
    if (!isWhole(terms[field]))
      throw new Bolt11Error("field_range", `${field} is not a whole number from 0 to 2^53 - 1`);
  }
  const sorted = terms.features.every((bit, at) => isWhole(bit) && bit > (terms.features[at - 1] ?? -1));
  if (!sorted) throw new Bolt11Error("field_range", "features are distinct whole numbers in ascending order");
  for (const hash of [terms.paymentHash, terms.paymentSecret]) {
    if (!/^[0-9a-f]{64}$/.test(hash))
      throw new Bolt11Error("field_range", "a hash is 64 lower-case hex digits");
  }
}

function isWhole(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
