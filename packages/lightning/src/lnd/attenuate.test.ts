import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { attenuate } from "./attenuate.ts";

const hmac = (key: Uint8Array | string, text: string) => createHmac("sha256", key).update(text).digest();

// The format by hand: version, location, identifier, end; end of conditions; signature.
const ROOT = hmac(hmac("macaroons-key-generator", "root key"), "id-1");
const section = (type: number, text: string) => Buffer.from([type, text.length, ...Buffer.from(text)]);
const macaroon = (signature: Buffer, ...conditions: string[]) =>
  Buffer.concat([
    Buffer.of(2),
    section(1, "lnd"),
    section(2, "id-1"),
    Buffer.of(0),
    ...conditions.map((condition) => Buffer.concat([section(2, condition), Buffer.of(0)])),
    Buffer.of(0, 6, 32),
    signature,
  ]);

test("each condition stands in the macaroon and in the chain of its signature", () => {
  const once = hmac(ROOT, "time-before 2030-01-01T00:00:00Z");
  const twice = hmac(once, "ipaddr 127.0.0.1");
  const narrowed = attenuate(macaroon(ROOT), "time-before 2030-01-01T00:00:00Z");
  assert.deepEqual(Buffer.from(narrowed), macaroon(once, "time-before 2030-01-01T00:00:00Z"));
  assert.deepEqual(
    Buffer.from(attenuate(narrowed, "ipaddr 127.0.0.1")),
    macaroon(twice, "time-before 2030-01-01T00:00:00Z", "ipaddr 127.0.0.1"),
  );
});

test("what is no v2 macaroon is refused, and so is a condition that its length byte cannot say", () => {
  const whole = macaroon(ROOT);
  for (const bytes of [Buffer.alloc(0), whole.subarray(1), whole.subarray(0, -1), Buffer.alloc(200)])
    assert.throws(() => attenuate(bytes, "x"), RangeError);
  assert.throws(() => attenuate(whole, "x".repeat(128)), RangeError);
});
