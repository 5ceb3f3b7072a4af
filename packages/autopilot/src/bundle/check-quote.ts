// What was ordered is what the operator offered, signed, and while it was bound. Pure.

import { quoteHash, verifySignature, type JsonObject } from "@openagents/receipts";
import type { Problems } from "./claims.ts";
import { objectOf, textOf } from "./json-view.ts";

/** The quote's receipt repeats its terms, so that nothing else is needed. Quotes of before were not signed apart. */
export function checkQuote(quote: JsonObject, dispatch: JsonObject, problems: Problems): void {
  if (quote["quote_signature"] === undefined) return;
  const hash = quoteHash(quote);
  problems.same("quote → its terms", textOf(quote, "quote_sha256"), hash);
  const signature = objectOf(quote, "quote_signature");
  if (!verifySignature(signature["signature_hex"], hash, signature["signer_pubkey"]))
    problems.add(`the signature of quote ${textOf(quote, "quote_id")} is not of its terms`);
  const orderedAt = textOf(dispatch, "occurred_at");
  if (!(orderedAt < textOf(quote, "valid_until")))
    problems.add("the job was ordered after its quote expired");
}
