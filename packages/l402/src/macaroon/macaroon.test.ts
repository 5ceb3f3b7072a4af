import assert from "node:assert/strict";
import { createHash, createHmac, randomBytes } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { L402Error } from "../l402-error.ts";
import { MACAROON_BYTES_MAX, parseMacaroon, serializeMacaroon } from "./binary.ts";
import { formatIdentifier, parseIdentifier } from "./identifier.ts";
import { attenuate, mintMacaroon, verifySignature } from "./macaroon.ts";

const KEY = Buffer.from("this is our super secret key; only we should know it");
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const caveatText = fc.string({ minLength: 1, maxLength: 40, unit: "grapheme" });

test("the signatures are those that libmacaroons publishes for its own example", () => {
  const minted = mintMacaroon(KEY, {
    identifier: Buffer.from("we used our secret key"),
    location: "http://mybank/",
  });
  assert.equal(hexOf(minted.signature), "e3d9e02908526c4c0039ae15114115d97fdd68bf2ba379b342aaf0f617d0552f");
  const narrowed = attenuate(minted, "test = caveat");
  assert.equal(hexOf(narrowed.signature), "197bac7a044af33332865b9266e26d493bdd668a660e44d88ce1a998c23dbd67");
});

test("the bytes are those of the format's second version", () => {
  const macaroon = mintMacaroon(KEY, { identifier: Buffer.from("id"), location: "l", caveats: ["a=b"] });
  const layout = ["02", "01016c", "02026964", "00", "0203613d62", "00", "00", "0620"].join("");
  assert.equal(hexOf(serializeMacaroon(macaroon)), layout + hexOf(macaroon.signature));
});

test("what was written reads back the same, and verifies with its key alone", () => {
  fc.assert(
    fc.property(
      bytes32,
      bytes32,
      fc.uint8Array({ maxLength: 300 }),
      fc.array(caveatText, { maxLength: 6 }),
      (key, other, identifier, caveats) => {
        fc.pre(hexOf(key) !== hexOf(other));
        const macaroon = mintMacaroon(key, { identifier, caveats });
        const read = parseMacaroon(serializeMacaroon(macaroon));
        assert.equal(hexOf(serializeMacaroon(read)), hexOf(serializeMacaroon(macaroon)));
        assert.deepEqual(verifySignature(read, key), caveats);
        assert.throws(() => verifySignature(read, other), { rule: "signature_mismatch" });
      },
    ),
  );
});

test("no changed, cut or lengthened byte makes another macaroon that verifies", () => {
  const macaroon = mintMacaroon(KEY, {
    identifier: Buffer.from("id"),
    caveats: ["services=a:0", "a_quota=3"],
  });
  const bytes = Buffer.from(serializeMacaroon(macaroon));
  const verifies = (changed: Uint8Array): boolean => {
    try {
      verifySignature(parseMacaroon(changed), KEY);
      return true;
    } catch (error) {
      assert.ok(error instanceof L402Error);
      return false;
    }
  };
  assert.equal(verifies(bytes), true);
  for (let at = 0; at < bytes.length; at += 1) {
    for (let bit = 0; bit < 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(at) ^ (1 << bit), at);
      assert.equal(verifies(changed), false, `bit ${bit} of byte ${at}`);
    }
    assert.equal(verifies(bytes.subarray(0, at)), false, `cut at ${at}`);
  }
  assert.equal(verifies(Buffer.concat([bytes, Buffer.of(0)])), false);
});

test("a caveat cannot be taken away or moved, and whoever holds one may add one", () => {
  const macaroon = mintMacaroon(KEY, { identifier: Buffer.from("id"), caveats: ["a=1", "b=2"] });
  const without = { ...macaroon, caveats: macaroon.caveats.slice(0, 1) };
  const moved = { ...macaroon, caveats: macaroon.caveats.toReversed() };
  for (const changed of [without, moved])
    assert.throws(() => verifySignature(changed, KEY), { rule: "signature_mismatch" });
  assert.deepEqual(verifySignature(attenuate(macaroon, "c=3"), KEY), ["a=1", "b=2", "c=3"]);
});

test("a third party's caveat is refused by name even when its chain is right", () => {
  const macaroon = mintMacaroon(KEY, { identifier: Buffer.from("id") });
  const [verificationId, identifier] = [randomBytes(24), Buffer.from("theirs")];
  const hmac = (data: Uint8Array) => createHmac("sha256", macaroon.signature).update(data).digest();
  const signature = hmac(Buffer.concat([hmac(verificationId), hmac(identifier)]));
  const bound = parseMacaroon(
    serializeMacaroon({ ...macaroon, caveats: [{ identifier, verificationId }], signature }),
  );
  assert.throws(() => verifySignature(bound, KEY), { rule: "third_party_caveat" });
});

test("what is no macaroon is refused by name, and nothing else is thrown", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (noise, isVersion) => {
      try {
        parseMacaroon(isVersion ? Uint8Array.of(2, ...noise) : noise);
      } catch (error) {
        assert.ok(error instanceof L402Error, String(error));
      }
    }),
    { numRuns: 2_000 },
  );
  assert.throws(() => parseMacaroon(new Uint8Array(MACAROON_BYTES_MAX + 1)), { rule: "macaroon_too_large" });
  assert.throws(() => parseMacaroon(Uint8Array.of(2, 2, 0x80, 0x00, 0, 0)), /leading zeros/);
  const long = mintMacaroon(KEY, { identifier: Buffer.alloc(MACAROON_BYTES_MAX) });
  assert.throws(() => serializeMacaroon(long), { rule: "macaroon_too_large" });
});

test("an identifier is version, payment hash and token id, and nothing more", () => {
  const paymentHash = createHash("sha256").update("p").digest("hex");
  const tokenId = createHash("sha256").update("t").digest("hex");
  const bytes = formatIdentifier({ paymentHash, tokenId });
  assert.equal(hexOf(bytes), `0000${paymentHash}${tokenId}`);
  assert.deepEqual(parseIdentifier(bytes), { paymentHash, tokenId });
  const refuses = (hex: string, rule: string) =>
    assert.throws(() => parseIdentifier(Buffer.from(hex, "hex")), { rule });
  refuses(`0001${paymentHash}${tokenId}`, "identifier_version");
  refuses(`0000${paymentHash}${tokenId}00`, "identifier_malformed");
  refuses("00", "identifier_malformed");
  assert.throws(() => formatIdentifier({ paymentHash: "x", tokenId }), { rule: "identifier_malformed" });
});
