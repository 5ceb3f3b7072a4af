// From the text of an invoice to what it says, or to the rule that it breaks.

import { parseAmount } from "./amount.ts";
import { parseBech32 } from "./bech32-text.ts";
import { Bolt11Error } from "./bolt11-error.ts";
import { FEATURES, checkFeatures, hasFeature } from "./features.ts";
import { readFields, type Fields } from "./fields.ts";
import { EXPIRY_SECONDS_DEFAULT, MIN_FINAL_CLTV_DEFAULT, type Description, type Invoice } from "./invoice.ts";
import { NETWORK_PREFIXES, type Network } from "./network.ts";
import { SIGNATURE_WORDS, payeeOf } from "./signature.ts";
import { numberOf } from "./words.ts";

const TIMESTAMP_WORDS = 7;

/**
 * Read an invoice (BOLT 11) strictly: checksum, amount, fields, required
 * features, and signature. The payee is recovered from the signature, or
 * checked against the node that the invoice names.
 *
 * `expected` refuses an invoice for another network. Whether it has lapsed is
 * not looked at, because that needs a clock: see `expiresAtMs`. Throws
 * Bolt11Error with the first rule that is broken. The same text always gives
 * the same answer.
 */
export function decodeInvoice(given: string, expected?: Network): Invoice {
  const { hrp, words, text } = parseBech32(given);
  const { network, amountMsats } = parsePrefix(hrp, expected);
  if (words.length < TIMESTAMP_WORDS + SIGNATURE_WORDS)
    throw new Bolt11Error("too_short", "the invoice has no room for a time and a signature");
  const signed = words.slice(0, -SIGNATURE_WORDS);
  const fields = readFields(signed.slice(TIMESTAMP_WORDS));

  const features = fields.features ?? [];
  checkFeatures(features);
  return {
    network,
    amountMsats,
    createdAtSeconds: numberOf(signed.slice(0, TIMESTAMP_WORDS), "timestamp"),
    ...hashesOf(fields, features),
    description: descriptionOf(fields),
    expirySeconds: fields.expirySeconds ?? EXPIRY_SECONDS_DEFAULT,
    minFinalCltv: fields.minFinalCltv ?? MIN_FINAL_CLTV_DEFAULT,
    features,
    metadata: fields.metadata,
    fallbacks: fields.fallbacks,
    routeHints: fields.routeHints,
    payee: payeeOf(hrp, signed, words.slice(-SIGNATURE_WORDS), fields.nodeId),
    text,
  };
}

function parsePrefix(hrp: string, expected: Network | undefined): Pick<Invoice, "network" | "amountMsats"> {
  const [, currency, amount] = /^ln([a-z]*)(.*)$/s.exec(hrp) ?? [];
  for (const network of networks()) {
    if (NETWORK_PREFIXES[network] !== currency || amount === undefined) continue;
    if (expected !== undefined && expected !== network)
      throw new Bolt11Error("network_mismatch", `the invoice is for ${network}, not for ${expected}`);
    return { network, amountMsats: parseAmount(amount) };
  }
  throw new Bolt11Error("prefix_unknown", `"${hrp}" is the prefix of no Lightning network that we know`);
}

function networks(): Network[] {
  return ["mainnet", "testnet", "signet", "regtest", "simnet"];
}

function hashesOf(
  fields: Fields,
  features: readonly number[],
): Pick<Invoice, "paymentHash" | "paymentSecret"> {
  const { paymentHash, paymentSecret } = fields;
  if (paymentHash === undefined)
    throw new Bolt11Error("payment_hash_missing", "the invoice has no payment hash");
  // BOLT 4 nodes refuse an HTLC without it, so paying could only fail or be probed.
  if (paymentSecret === undefined)
    throw new Bolt11Error("payment_secret_missing", "the invoice has no payment secret");
  if (!hasFeature(features, FEATURES.paymentSecret))
    throw new Bolt11Error(
      "payment_secret_unannounced",
      "the invoice has a payment secret without the feature for it",
    );
  return { paymentHash, paymentSecret };
}

function descriptionOf({ descriptionText, descriptionHash }: Fields): Description {
  if (descriptionText !== undefined && descriptionHash !== undefined)
    throw new Bolt11Error("description_ambiguous", "the invoice has a description and the hash of one");
  if (descriptionText !== undefined) return { kind: "text", text: descriptionText };
  if (descriptionHash !== undefined) return { kind: "hash", sha256: descriptionHash };
  throw new Bolt11Error("description_missing", "the invoice has no description and no hash of one");
}
