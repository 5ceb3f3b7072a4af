import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createSealer } from "./seal.ts";

const [OLD, NEW] = ["11".repeat(32), "22".repeat(32)] as const;

test("what is sealed opens to the same text, and never reads like it", () => {
  const sealer = createSealer([NEW]);
  fc.assert(
    fc.property(fc.string({ minLength: 8, unit: "binary" }), fc.string(), (secret, context) => {
      const text = secret.toWellFormed();
      const sealed = sealer.seal(text, context);
      assert.equal(sealer.open(sealed, context), text);
      assert.ok(!sealed.bytes.includes(text));
    }),
  );
});

test("one text is sealed differently each time", () => {
  const sealer = createSealer([NEW]);
  const sealed = Array.from({ length: 200 }, () => sealer.seal("the same secret", "c"));
  assert.equal(new Set(sealed.map(({ nonce }) => nonce.toString("hex"))).size, 200);
  assert.equal(new Set(sealed.map(({ bytes }) => bytes.toString("hex"))).size, 200);
});

test("a seal does not open under another context, key, nonce or a changed byte", () => {
  const sealer = createSealer([NEW]);
  const sealed = sealer.seal("a secret of ours", "org_a");
  assert.throws(() => sealer.open(sealed, "org_b"));
  assert.throws(() => sealer.open({ ...sealed, nonce: Buffer.alloc(12) }, "org_a"));
  for (let index = 0; index < sealed.bytes.length; index += 1) {
    const bytes = Buffer.from(sealed.bytes);
    bytes[index] = (bytes[index] ?? 0) ^ 1;
    assert.throws(() => sealer.open({ ...sealed, bytes }, "org_a"), String(index));
  }
  const other = createSealer([OLD]);
  assert.throws(() => other.open({ ...sealed, keyId: other.keyId }, "org_a"));
});

test("while keys change both open and the newest seals; without its key a seal says which it needs", () => {
  const before = createSealer([OLD]);
  const sealed = before.seal("a secret of ours", "c");
  const changing = createSealer([NEW, OLD]);
  assert.equal(changing.open(sealed, "c"), "a secret of ours");
  assert.notEqual(changing.seal("x", "c").keyId, sealed.keyId);
  assert.throws(
    () => createSealer([NEW]).open(sealed, "c"),
    (error: { code?: string; detail?: string }) =>
      error.code === "sealing_key_missing" && error.detail?.includes(sealed.keyId) === true,
  );
});
