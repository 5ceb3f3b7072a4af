import assert from "node:assert/strict";
import { test } from "node:test";
import {
  JsonError,
  RECEIPT_PREFIXES,
  canonicalize,
  chainEvent,
  parseStrict,
  payloadHash,
  publicKeyOf,
  receiptHash,
  sealReceipt,
  sha256Hex,
  signHash,
  signReceipt,
  verifyReceipt,
  verifySignature,
  type JsonObject,
  type ReceiptChecks,
  type ReceiptFacts,
} from "@openagents/receipts";

const KEY_ONE = `${"00".repeat(31)}01`;

function facts(overrides: JsonObject = {}): ReceiptFacts {
  return {
    schema: "openagents.treasury.payment_receipt.v2",
    nonce: "0123456789abcdef0123456789abcdef",
    occurred_at: "2026-02-25T19:00:00.000Z",
    actor: "usr_1",
    tenant: "org_1",
    request_id: "req_1",
    amount_msats: 1_000,
    ...overrides,
  };
}

function signed(overrides: JsonObject = {}) {
  const receipt = sealReceipt(facts(overrides));
  return { receipt, signature: signReceipt(receipt, KEY_ONE) };
}

function states(checks: ReceiptChecks): string {
  return [checks.hash, checks.id, checks.signature, checks.signer].map((check) => check.state).join(" ");
}

test("the hash covers every member but the two that sealing adds", () => {
  const receipt = sealReceipt(facts());
  const { receipt_id: id, canonical_json_sha256: hash, ...body } = receipt;
  assert.equal(hash, sha256Hex(canonicalize(body)));
  assert.equal(id, `pay_${hash.slice(0, 24)}`);
  for (const name of Object.keys(body)) {
    const changed = {
      ...receipt,
      [name]: name === "amount_msats" ? 1_001 : `${JSON.stringify(body[name])}0`,
    };
    assert.notEqual(receiptHash(changed), hash, name);
  }
});

test("every kind seals with its own prefix", () => {
  const ids = Object.entries(RECEIPT_PREFIXES).map(([schema, prefix]) => {
    const id = sealReceipt(facts({ schema })).receipt_id;
    assert.match(id, new RegExp(`^${prefix}_[0-9a-f]{24}$`));
    return prefix;
  });
  assert.equal(new Set(ids).size, ids.length);
});

test("facts that would not make a receipt are not sealed", () => {
  const refused: readonly JsonObject[] = [
    { schema: "openagents.unheard_of.v1" },
    { schema: "toString" },
    { actor: "" },
    { tenant: 1 },
    { request_id: "" },
    { acting_for: null },
    { nonce: "00" },
    { nonce: "0123456789ABCDEF0123456789ABCDEF" },
    { occurred_at: "2026-02-25T19:00:00Z" },
    { occurred_at: "2026-02-30T19:00:00.000Z" },
    { occurred_at: "2026-02-25T19:00:00.000+00:00" },
    { amount_msats: 0.5 },
    { deep: [{ ratio: -0 }] },
    { amount_msats: 2 ** 53 },
    { memo: "\ud800" },
    { receipt_id: "pay_1" },
    { canonical_json_sha256: "00" },
    { signature: {} },
  ];
  for (const overrides of refused) {
    assert.throws(() => sealReceipt(facts(overrides)), JsonError, JSON.stringify(overrides));
  }
});

test('secret key 1 signs {"a":1} as published', () => {
  const hash = sha256Hex(canonicalize({ a: 1 }));
  assert.equal(hash, "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862");
  assert.deepEqual(signHash(hash, KEY_ONE), {
    schema: "openagents.receipt_signature.v1",
    scheme: "secp256k1_schnorr_no_aux_rand",
    signer_pubkey: "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
    signed_sha256: hash,
    signature_hex:
      "3cf259bbe865442a669da736e71cbf28c87756286b6a1f095e02ae8bbbe80dd5" +
      "4abcea97dc33cf33e41f3852260718659f1c4abd150ed57512f6490c878897db",
  });
});

test("a signature holds for its hash and key, and for no other hash, key, nonce point or scalar", () => {
  for (const key of [KEY_ONE, "7f".repeat(32), `${"00".repeat(31)}ff`]) {
    const hash = sha256Hex(key);
    const publicKey = publicKeyOf(key);
    const { signature_hex: hex } = signHash(hash, key);
    assert.equal(verifySignature(hex, hash, publicKey), true);
    assert.equal(signHash(hash, key).signature_hex, hex, "the same key and hash have one signature");
    const order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
    const field = "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f";
    const refused: readonly (readonly [unknown, unknown, unknown])[] = [
      [hex, sha256Hex("other"), publicKey],
      [hex, hash, publicKeyOf("01".repeat(32))],
      [flip(hex, 0), hash, publicKey],
      [flip(hex, 127), hash, publicKey],
      [hex.slice(0, 64) + order, hash, publicKey],
      [field + hex.slice(64), hash, publicKey],
      ["00".repeat(64), hash, publicKey],
      [hex, hash, field],
      [hex, hash, "00".repeat(32)],
      [hex.toUpperCase(), hash, publicKey],
      [hex.slice(2), hash, publicKey],
      [undefined, hash, publicKey],
    ];
    for (const [signature, digest, signer] of refused)
      assert.equal(verifySignature(signature, digest, signer), false);
  }
});

test("a key that is none is refused without being repeated", () => {
  for (const key of ["", "zz".repeat(32), "ab".repeat(31), "AB".repeat(32)]) {
    assert.throws(
      () => publicKeyOf(key),
      (error: Error) => error instanceof RangeError && (key === "" || !error.message.includes(key)),
    );
  }
  assert.throws(() => publicKeyOf("00".repeat(32)));
});

test("a receipt that was changed after sealing is not signed", () => {
  const receipt = sealReceipt(facts());
  assert.throws(
    () => signReceipt({ ...receipt, amount_msats: 2_000 }, KEY_ONE),
    /changed after it was sealed/,
  );
});

test("an untouched receipt holds, and its signer only when pinned", () => {
  const document = signed();
  const key = publicKeyOf(KEY_ONE);
  assert.equal(states(verifyReceipt(document, { operatorKeys: [key] })), "holds holds holds holds");
  assert.equal(states(verifyReceipt(document)), "holds holds holds not_checked");
  assert.equal(
    states(verifyReceipt(document, { operatorKeys: [publicKeyOf("02".repeat(32))] })),
    "holds holds holds not_checked",
  );
  assert.equal(
    states(verifyReceipt(document, { operatorKeys: [key.toUpperCase()] })),
    "holds holds holds not_checked",
  );
});

test("a change of any character of a signed receipt makes a check fail", () => {
  const key = publicKeyOf(KEY_ONE);
  const text = canonicalize(
    signed({ acting_for: "usr_2", memo: "a", nested: { list: [1, "two", null, true] } }),
  );
  for (let index = 0; index < text.length; index += 1) {
    const changed = flip(text, index);
    let document: unknown;
    try {
      document = parseStrict(changed);
    } catch {
      continue;
    }
    const found = states(verifyReceipt(document, { operatorKeys: [key] }));
    assert.match(found, /fails/, `${index}: ${changed.slice(Math.max(0, index - 20), index + 20)}`);
  }
});

test("members that the hash does not cover cannot be slipped in", () => {
  const { receipt, signature } = signed();
  const documents: readonly unknown[] = [
    { receipt: { ...receipt, signature }, signature },
    { receipt, signature: { ...signature, note: "x" } },
    { receipt, signature, note: "x" },
    { receipt, signature: { ...signature, signer_pubkey: signature.signer_pubkey.toUpperCase() } },
    { receipt, signature: { ...signature, signature_hex: signature.signature_hex.toUpperCase() } },
    { receipt: { ...receipt, receipt_id: receipt.receipt_id.replace("pay_", "run_") }, signature },
    { receipt: { ...receipt, amount_msats: 1_000.5 }, signature },
  ];
  for (const document of documents)
    assert.match(states(verifyReceipt(document)), /fails/, JSON.stringify(document));
});

test("a pinned key beside another's signature is not taken for the signer", () => {
  const { receipt } = signed();
  const stranger = signReceipt(receipt, "02".repeat(32));
  const pinned = publicKeyOf(KEY_ONE);
  const checks = verifyReceipt(
    { receipt, signature: { ...stranger, signer_pubkey: pinned } },
    { operatorKeys: [pinned] },
  );
  assert.equal(states(checks), "holds holds fails not_checked");
});

test("a signature over another hash is not the receipt's, however good it is", () => {
  const { receipt } = signed();
  const other = signHash(sha256Hex("other"), KEY_ONE);
  assert.equal(states(verifyReceipt({ receipt, signature: other })), "holds holds fails not_checked");
});

test("a float fails even under a right hash and signature", () => {
  const body = facts({ ratio: 0.5 });
  const hash = receiptHash(body);
  const receipt = { ...body, receipt_id: `pay_${hash.slice(0, 24)}`, canonical_json_sha256: hash };
  const checks = verifyReceipt({ receipt, signature: signHash(hash, KEY_ONE) });
  assert.equal(states(checks), "fails holds holds not_checked");
});

test("garbage fails and never throws", () => {
  const itself: Record<string, unknown> = {};
  itself["itself"] = itself;
  const garbage: readonly unknown[] = [
    undefined,
    null,
    1,
    "receipt",
    [],
    {},
    { receipt: null, signature: null },
    { receipt: [], signature: {} },
    { receipt: {}, signature: {} },
    { receipt: itself, signature: {} },
    { receipt: { ...facts(), schema: 1 }, signature: { schema: [], scheme: {} } },
    { receipt: new Date(0), signature: new Map() },
  ];
  for (const document of garbage) assert.match(states(verifyReceipt(document)), /^fails/);
});

test("the trajectory's head names every event, its order, and nothing else", () => {
  const event = {
    seq: 1,
    event_type: "run.started",
    payload: { a: 1 },
    recorded_at: "2026-02-25T19:00:00.000Z",
  };
  const zero = "0".repeat(64);
  const first = chainEvent(undefined, event);
  assert.equal(chainEvent(zero, event), first);
  const body = new TextEncoder().encode(canonicalize(event));
  assert.equal(first, sha256Hex(Uint8Array.from([...new Uint8Array(32), ...body])));
  const extra = { ...event, note: "not chained" };
  assert.equal(chainEvent(undefined, extra), first);
  for (const changed of [
    { ...event, seq: 2 },
    { ...event, event_type: "run.finished" },
    { ...event, payload: { a: 2 } },
    { ...event, recorded_at: "2026-02-25T19:00:00.001Z" },
  ]) {
    assert.notEqual(chainEvent(undefined, changed), first);
    assert.notEqual(
      chainEvent(chainEvent(undefined, changed), event),
      chainEvent(chainEvent(undefined, event), changed),
    );
  }
  for (const previous of ["", "00", zero.slice(2), `${zero.slice(2)}zz`, "AB".repeat(32)]) {
    assert.throws(() => chainEvent(previous, event), RangeError);
  }
});

test("a payload's hash says its algorithm", () => {
  assert.equal(payloadHash({ b: 1, a: 2 }), `sha256:${sha256Hex('{"a":2,"b":1}')}`);
});

/** Another character of the same kind in one place. */
function flip(text: string, index: number): string {
  const char = text[index] ?? "";
  const other = char === "1" ? "2" : "1";
  return text.slice(0, index) + other + text.slice(index + 1);
}
