import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { L402Error } from "../l402-error.ts";
import { serializeMacaroon } from "../macaroon/binary.ts";
import { formatCaveats, type Grant } from "../macaroon/caveats.ts";
import { formatIdentifier } from "../macaroon/identifier.ts";
import { attenuate, mintMacaroon, type Macaroon } from "../macaroon/macaroon.ts";
import { parseAuthChallenges } from "./auth-challenges.ts";
import { boundPaymentHash, formatChallenge, parseChallenges } from "./challenge.ts";
import { formatCredential, isPreimageOf, parseCredential, verifyCredential } from "./credential.ts";

const ROOT_KEY = randomBytes(32);
const PREIMAGE = "11".repeat(32);
const PAYMENT_HASH = createHash("sha256").update(Buffer.from(PREIMAGE, "hex")).digest("hex");
const GRANT: Grant = {
  service: "weather",
  tier: 0,
  capabilities: ["read"],
  validUntilSeconds: 2_000,
  path: "/v1",
  quota: 3,
};
const INVOICE = "lnbcrt1invoice";

function minted(): Macaroon {
  const identifier = formatIdentifier({ paymentHash: PAYMENT_HASH, tokenId: "22".repeat(32) });
  return mintMacaroon(ROOT_KEY, { identifier, caveats: formatCaveats(GRANT) });
}

const base64 = (macaroon: Macaroon) => Buffer.from(serializeMacaroon(macaroon)).toString("base64");

test("a buyer reads from our challenge what it must pay, and its credential is what we accept", () => {
  const [challenge, legacy, ...more] = parseChallenges([formatChallenge(minted(), INVOICE)]);
  assert.ok(challenge !== undefined && legacy !== undefined);
  assert.deepEqual([challenge.scheme, legacy.scheme, more.length], ["L402", "LSAT", 0]);
  assert.equal(challenge.invoice, INVOICE);
  assert.equal(boundPaymentHash(challenge), PAYMENT_HASH);
  for (const each of [challenge, legacy]) {
    const credential = parseCredential(formatCredential(each, PREIMAGE));
    assert.ok(credential !== undefined);
    const request = { service: "weather", path: "/v1/cities", capability: "read", nowSeconds: 1_999 };
    assert.deepEqual(verifyCredential(credential, ROOT_KEY, request), GRANT);
  }
});

test("a credential is refused by the rule that it breaks", () => {
  const credential = parseCredential(`L402 ${base64(minted())}:${PREIMAGE}`);
  assert.ok(credential !== undefined);
  const request = { service: "weather", path: "/v1", nowSeconds: 0 };
  const refuses = (rule: string, change: Partial<Parameters<typeof verifyCredential>[2]>) =>
    assert.throws(() => verifyCredential(credential, ROOT_KEY, { ...request, ...change }), { rule });
  refuses("service_mismatch", { service: "news" });
  refuses("expired", { nowSeconds: 2_000 });
  refuses("path_outside", { path: "/v2" });
  refuses("path_outside", { path: "/v1x" });
  refuses("capability_missing", { capability: "write" });
  assert.throws(() => verifyCredential(credential, randomBytes(32), request), { rule: "signature_mismatch" });

  const authorized = (text: string) => () => parseCredential(text);
  assert.throws(authorized(`L402 ${base64(minted())}:${"33".repeat(32)}`), { rule: "preimage_mismatch" });
  for (const rest of ["x", base64(minted()), `:${PREIMAGE}`, `${base64(minted())}:${PREIMAGE}00`])
    assert.throws(authorized(`L402 ${rest}`), { rule: "credential_malformed" }, rest);
  assert.throws(authorized(`L402 AAAA:${PREIMAGE}`), { rule: "macaroon_malformed" });
  for (const text of ["Bearer abc", "", "L402", "Basic L402:x"])
    assert.equal(parseCredential(text), undefined, text);
});

test("a buyer may narrow what it bought, and cannot widen it", () => {
  const request = { service: "weather", path: "/v1/a", nowSeconds: 0 };
  const verify = (macaroon: Macaroon) => {
    const credential = parseCredential(`lsat ${base64(macaroon)}:${PREIMAGE.toUpperCase()}`);
    assert.ok(credential !== undefined);
    return verifyCredential(credential, ROOT_KEY, request);
  };
  assert.equal(verify(attenuate(minted(), "weather_quota=1")).quota, 1);
  assert.throws(() => verify(attenuate(minted(), "weather_quota=4")), { rule: "caveat_widened" });
  assert.throws(() => verify(attenuate(minted(), "weather_path=/v1/b")), { rule: "path_outside" });
});

test("challenges are found among others, in all forms that servers write", () => {
  const bare = `macaroon=${"A".repeat(8)}, invoice=${INVOICE}`;
  const found = (...headers: string[]) =>
    parseChallenges(headers).map(({ scheme, macaroon }) => [scheme, macaroon]);
  assert.deepEqual(found(`Bearer realm="a, L402 macaroon=\\"x\\"", L402 ${bare}`), [["L402", "AAAAAAAA"]]);
  assert.deepEqual(
    found(`LSAT macaroon="BBBB", invoice="${INVOICE}"`, `L402 token="CCCC=", invoice="${INVOICE}"`),
    [
      ["L402", "CCCC="],
      ["LSAT", "BBBB"],
    ],
  );
  assert.deepEqual(found(`Negotiate YWJj==, l402 version="0",macaroon="DDDD" ,invoice = "${INVOICE}"`), [
    ["L402", "DDDD"],
  ]);
  assert.deepEqual(found(`L402 invoice="${INVOICE}", macaroon="EEEE"`, "Basic"), [["L402", "EEEE"]]);
});

test("a challenge that cannot be paid says what is missing", () => {
  const refuses = (rule: string, ...headers: string[]) =>
    assert.throws(() => parseChallenges(headers), { rule }, headers.join(" | "));
  refuses("challenge_missing");
  refuses("challenge_missing", 'Basic realm="x"');
  refuses("challenge_incomplete", 'L402 macaroon="AAAA"');
  refuses("challenge_incomplete", `L402 macaroon="", invoice="${INVOICE}"`);
  refuses("challenge_incomplete", `L402 macaroon="A B", invoice="${INVOICE}"`);
  refuses("header_malformed", 'L402 macaroon="AAAA');
  refuses("header_malformed", 'L402 macaroon="AAAA" invoice="x"');
  refuses("header_malformed", 'Basic Negotiate L402 macaroon="AAAA", invoice="x"');
  assert.equal(boundPaymentHash({ scheme: "L402", macaroon: "AAAA", invoice: INVOICE }), undefined);
});

test("no header does anything but parse or name a rule", () => {
  const words = fc.constantFrom(
    "L402",
    "LSAT",
    " ",
    ",",
    "=",
    '"',
    "\\",
    "macaroon",
    "invoice",
    "AAAA",
    "==",
    "\t",
    "é",
    "/",
  );
  const header = fc.array(words, { maxLength: 20 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(header, (text) => {
      for (const read of [
        () => parseAuthChallenges(text),
        () => parseChallenges([text]),
        () => parseCredential(text),
      ]) {
        try {
          read();
        } catch (error) {
          assert.ok(error instanceof L402Error, String(error));
        }
      }
    }),
    { numRuns: 5_000 },
  );
});

test("a long header is refused before it is read, and a hostile one is read in one pass", () => {
  assert.throws(() => parseAuthChallenges("a".repeat(40_000)), { rule: "header_malformed" });
  for (const hostile of [
    `L402 a="${"\\".repeat(30_000)}`,
    `L402 ${"a=".repeat(15_000)}`,
    " ,".repeat(16_000),
  ]) {
    try {
      parseAuthChallenges(hostile);
    } catch (error) {
      assert.ok(error instanceof L402Error);
    }
  }
});

test("a preimage is 32 bytes that hash to the payment hash", () => {
  assert.equal(isPreimageOf(PREIMAGE, PAYMENT_HASH), true);
  for (const wrong of ["", "11", `${PREIMAGE}11`, "zz".repeat(32), "22".repeat(32)])
    assert.equal(isPreimageOf(wrong, PAYMENT_HASH), false);
  assert.throws(() => formatCredential({ scheme: "L402", macaroon: "AAAA" }, "no"), {
    rule: "credential_malformed",
  });
});
