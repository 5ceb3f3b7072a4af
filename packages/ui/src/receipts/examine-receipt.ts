// What a browser can say of a receipt by itself: every check is computed here
// from the document's own bytes, and nobody is asked. Pure.

import { checkInclusion, verifyReceipt, type Check } from "@openagents/receipts";

export type ReceiptClaim = {
  readonly name: string;
  readonly state: Check["state"];
  /** What it means for the reader. */
  readonly meaning: string;
  readonly detail: string;
};

export type Pins = {
  /** Keys that the reader takes as the operator's. */
  readonly operatorKeys: readonly string[];
  /** Keys of logs, as signed notes publish theirs. */
  readonly logKeys: readonly string[];
};

/** The checks of a `{receipt, signature, inclusion?}` document, in the order in which they build on each other. */
export function examineReceipt(document: unknown, pins: Pins): ReceiptClaim[] {
  const checks = verifyReceipt(document, pins);
  const inclusion = checkInclusion(document, pins.logKeys);
  return [
    claim("Hash", checks.hash, "No member of the receipt was changed after it was sealed."),
    claim("Name", checks.id, "Its id is made of that hash, so it names this receipt only."),
    claim("Signature", checks.signature, "BIP-340, over that hash."),
    claim("Signer", checks.signer, "The key is the one that this service publishes."),
    claim("Public log", inclusion, "Its hash stands in the append-only log under a signed checkpoint."),
  ];
}

/** The weakest of the claims: one that fails is a failure of all. */
export function overall(claims: readonly ReceiptClaim[]): Check["state"] {
  if (claims.some(({ state }) => state === "fails")) return "fails";
  return claims.every(({ state }) => state === "holds") ? "holds" : "not_checked";
}

function claim(name: string, check: Check, meaning: string): ReceiptClaim {
  return { name, state: check.state, meaning, detail: check.detail };
}
