import assert from "node:assert/strict";
import { test } from "node:test";
import {
  checkInclusion,
  formatNoteKey,
  noteKeyOf,
  sealReceipt,
  signCheckpoint,
  signReceipt,
  verifyReceipt,
  type JsonObject,
} from "@openagents/receipts";
import { auditPath, leafOf, treeHash } from "@openagents/testing";

const SECRET = "22".repeat(32);
const ORIGIN = "log.example/receipts";
const LOG_KEY = formatNoteKey(noteKeyOf(ORIGIN, SECRET));

function logged() {
  const receipt = sealReceipt({
    schema: "openagents.treasury.demo_grant.v1",
    nonce: "ab".repeat(16),
    occurred_at: "2026-01-02T03:04:05.000Z",
    actor: "usr_a",
    tenant: "org_a",
  });
  const leaves = Array.from({ length: 11 }, (_, at) => leafOf(Uint8Array.of(at)));
  leaves[6] = leafOf(Buffer.from(receipt.canonical_json_sha256, "hex"));
  return {
    receipt,
    signature: signReceipt(receipt, "01".repeat(32)),
    inclusion: {
      log_index: 6,
      hashes: auditPath(6, leaves).map((hash) => hash.toString("hex")),
      checkpoint: signCheckpoint({ size: 11, root: treeHash(leaves) }, ORIGIN, SECRET),
      log_key: LOG_KEY,
    },
  };
}

test("a proof holds for who pinned the log, and is not checked for who did not or has none", () => {
  const document = logged();
  assert.equal(checkInclusion(document, [LOG_KEY]).state, "holds");
  assert.equal(checkInclusion(document, []).state, "not_checked");
  assert.match(checkInclusion(document, ["another"]).detail, /not pinned/);
  const { inclusion: _, ...without } = document;
  assert.equal(checkInclusion(without, [LOG_KEY]).state, "not_checked");
  assert.equal(verifyReceipt(document).signature.state, "holds");
  assert.equal(verifyReceipt({ ...document, more: 1 }).hash.state, "fails");
});

test("no bit of a proof can be flipped, pinned or not, and nothing may be added to it", () => {
  const document = logged();
  for (const [name, value] of Object.entries(document.inclusion)) {
    const texts = Array.isArray(value) ? value : [String(value)];
    for (const [at, text] of texts.entries()) {
      for (let bit = 0; bit < text.length * 7; bit += 1) {
        const changed = flip(text, bit);
        const other = Array.isArray(value)
          ? value.with(at, changed)
          : typeof value === "number"
            ? Number(changed)
            : changed;
        const inclusion = { ...document.inclusion, [name]: other };
        assert.equal(
          checkInclusion({ ...document, inclusion }, [LOG_KEY]).state,
          "fails",
          `${name}: ${changed}`,
        );
      }
    }
  }
  const others: unknown[] = [
    null,
    {},
    [],
    "x",
    { ...document.inclusion, more: 1 },
    { ...document.inclusion, log_index: 7 },
    { ...document.inclusion, hashes: [] },
    { ...document.inclusion, hashes: document.inclusion.hashes.toReversed() },
    { ...document.inclusion, checkpoint: `${document.inclusion.checkpoint}— witness.example AAAAAAA=\n` },
  ];
  for (const inclusion of others)
    assert.equal(
      checkInclusion({ ...document, inclusion } as JsonObject, [LOG_KEY]).state,
      "fails",
      JSON.stringify(inclusion),
    );
});

test("another receipt cannot borrow the proof", () => {
  const document = logged();
  const { receipt_id: _id, canonical_json_sha256: _hash, ...facts } = document.receipt;
  const receipt = sealReceipt({ ...facts, nonce: "cd".repeat(16) });
  assert.equal(checkInclusion({ ...document, receipt }, [LOG_KEY]).state, "fails");
});

/** Flip one of the seven low bits of a character. */
function flip(text: string, bit: number): string {
  const at = Math.floor(bit / 7);
  return text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ (1 << (bit % 7))) + text.slice(at + 1);
}
