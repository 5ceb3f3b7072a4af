// Sending on chain through lnd, in two steps. The quote fixes the transaction,
// inputs and all, and locks them; the commitment signs and publishes that one.
// A repeat publishes the same transaction again, and no second one can be made
// of the same inputs: at most one is ever paid.

import { LightningError, type OnchainOutcome, type OnchainQuote, type OnchainRequest } from "../node.ts";
import { listOf, malformed, objectOf, textOf, wholeOf } from "./fields.ts";
import { unsignedTransactionOf } from "./psbt.ts";
import { LndError, type LndRest } from "./rest.ts";

/** gRPC's code for an error without one, which lnd's own errors have. */
const UNKNOWN = 2;

export async function quoteByLnd(
  rest: LndRest,
  request: OnchainRequest,
  nowMs: () => number,
): Promise<OnchainQuote> {
  if (request.amountSats < 1n) throw new LightningError("amount_refused", "an on-chain amount is positive");
  const lockSeconds = Math.ceil(request.lockMs / 1_000);
  // Before the call: lnd's lease begins later, so ours never outlasts it.
  const lockedUntilMs = nowMs() + lockSeconds * 1_000;
  const answer = objectOf(
    await rest.call("POST", "/v2/wallet/psbt/fund", {
      raw: { outputs: { [request.address]: String(request.amountSats) } },
      sat_per_vbyte: String(request.satsPerVbyte),
      change_type: "CHANGE_ADDRESS_TYPE_P2TR",
      lock_expiration_seconds: String(lockSeconds),
    }),
    "quote",
  );
  const psbt = textOf(answer, "funded_psbt");
  const { txid, outputSats } = unsignedTransactionOf(Buffer.from(psbt, "base64"));
  if (!outputSats.includes(request.amountSats)) throw malformed("funded_psbt");
  const inputSats = listOf(answer, "locked_utxos").reduce((sum, utxo) => sum + wholeOf(utxo, "value"), 0n);
  const feeSats = outputSats.reduce((rest, sats) => rest - sats, inputSats);
  if (feeSats < 0n) throw malformed("locked_utxos");
  return { address: request.address, amountSats: request.amountSats, feeSats, txid, lockedUntilMs, psbt };
}

export async function commitByLnd(rest: LndRest, quote: OnchainQuote): Promise<OnchainOutcome> {
  try {
    return (await isKnown(rest, quote.txid)) ? sent(quote) : await publish(rest, quote);
  } catch (error) {
    if (!(error instanceof LightningError)) throw error;
    return { status: "unknown", because: error.message };
  }
}

async function publish(rest: LndRest, quote: OnchainQuote): Promise<OnchainOutcome> {
  try {
    const final = objectOf(
      await rest.call("POST", "/v2/wallet/psbt/finalize", { funded_psbt: quote.psbt }),
      "signed transaction",
    );
    // Named for hex, but bytes, so base64 in JSON like what it takes.
    const answer = objectOf(
      await rest.call("POST", "/v2/wallet/tx", { tx_hex: textOf(final, "raw_final_tx") }),
      "publication",
    );
    const refusal = answer["publish_error"] ?? "";
    if (refusal !== "") throw new LndError(UNKNOWN, JSON.stringify(refusal));
    return sent(quote);
  } catch (error) {
    if (!(error instanceof LndError)) throw error;
    // Refused, perhaps because a call before this one published it.
    if (await isKnown(rest, quote.txid)) return sent(quote);
    return { status: "failed", detail: error.message };
  }
}

/** Whether the wallet has the transaction, on the chain or on its way there. */
async function isKnown(rest: LndRest, txid: string): Promise<boolean> {
  try {
    return (
      textOf(objectOf(await rest.call("GET", `/v2/wallet/tx?txid=${txid}`), "transaction"), "tx_hash") ===
      txid
    );
  } catch (error) {
    // Only its own word for "no": any other refusal leaves the question open.
    if (error instanceof LndError && /can ?not find transaction/.test(error.message)) return false;
    throw error;
  }
}

function sent(quote: OnchainQuote): OnchainOutcome {
  return { status: "sent", txid: quote.txid };
}
