import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import {
  AMOUNT_MSATS_MAX,
  Bolt11Error,
  FEATURES_DEFAULT,
  decodeInvoice,
  encodeInvoice,
  expiresAtMs,
  type Bolt11Rule,
  type InvoiceTerms,
} from "./index.ts";
import { formatAmount, parseAmount } from "./amount.ts";
import { formatBech32, parseBech32 } from "./bech32-text.ts";
import { featuresOf, wordsOfFeatures } from "./features.ts";
import { SIGNATURE_WORDS, publicKeyOf, signWords } from "./signature.ts";
import { wordsOf, wordsOfHex, wordsOfNumber } from "./words.ts";

const SECRET_KEY = hexToBytes("42".repeat(32));
const NODE_ID = publicKeyOf(SECRET_KEY);

const TERMS: InvoiceTerms = {
  network: "regtest",
  amountMsats: 21_000n,
  createdAtSeconds: 1_790_000_000,
  paymentHash: "ab".repeat(32),
  paymentSecret: "cd".repeat(32),
  description: { kind: "text", text: "one verified patch" },
  expirySeconds: 600,
  minFinalCltv: 80,
  features: FEATURES_DEFAULT,
  metadata: undefined,
  fallbacks: [],
  routeHints: [],
};

const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((value) => Buffer.from(value).toString("hex"));
const PLAIN = { noNullPrototype: true };
const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });

const secretKeys = fc
  .bigInt({ min: 1n, max: (1n << 255n) - 1n })
  .map((key) => hexToBytes(key.toString(16).padStart(64, "0")));
const hops = fc.record(
  {
    nodeId: secretKeys.map(publicKeyOf),
    shortChannelId: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
    feeBaseMsats: u32.map(BigInt),
    feePpm: u32,
    cltvDelta: fc.integer({ min: 0, max: 65_535 }),
  },
  PLAIN,
);
const fallbacks = fc.oneof(
  fc.record({ version: fc.constantFrom(0, 17, 18), program: hex(20) }, PLAIN),
  fc.record({ version: fc.constantFrom(0, 1, 16), program: hex(32) }, PLAIN),
);
const terms: fc.Arbitrary<InvoiceTerms> = fc.record(
  {
    network: fc.constantFrom("mainnet", "testnet", "signet", "regtest", "simnet"),
    amountMsats: fc.option(fc.bigInt({ min: 1n, max: AMOUNT_MSATS_MAX }), { nil: undefined }),
    createdAtSeconds: fc.integer({ min: 0, max: 2 ** 35 - 1 }),
    paymentHash: hex(32),
    paymentSecret: hex(32),
    description: fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 60 }).map((text) => ({ kind: "text" as const, text })),
      hex(32).map((sha256) => ({ kind: "hash" as const, sha256 })),
    ),
    expirySeconds: fc.maxSafeNat(),
    minFinalCltv: fc.nat({ max: 10_000 }),
    features: fc.subarray([8, 14, 16, 25, 48, 49, 99, 263]).map((some) => {
      return [...new Set([...some, 8, 14])].sort((a, b) => a - b);
    }),
    metadata: fc.option(hex(40), { nil: undefined }),
    fallbacks: fc.array(fallbacks, { maxLength: 3 }),
    routeHints: fc.array(fc.array(hops, { minLength: 1, maxLength: 2 }), { maxLength: 2 }),
  },
  PLAIN,
);

test("what is written reads back the same, and the signer is the payee", () => {
  fc.assert(
    fc.property(terms, secretKeys, fc.boolean(), (given, secretKey, namePayee) => {
      const { payee, text, ...read } = encodeInvoice(given, secretKey, { namePayee });
      assert.deepEqual(read, given);
      assert.equal(payee, publicKeyOf(secretKey));
      assert.equal(encodeInvoice(given, secretKey, { namePayee }).text, text);
      assert.deepEqual(decodeInvoice(text.toUpperCase()), { payee, text, ...read });
    }),
    { numRuns: 40 },
  );
});

test("a wrong character anywhere is refused", () => {
  const { text } = encodeInvoice(TERMS, SECRET_KEY);
  const alphabet = "023456789acdefghjklmnpqrstuvwxyz1bio \u{1F600}";
  fc.assert(
    fc.property(fc.nat({ max: text.length - 1 }), fc.constantFrom(...Array.from(alphabet)), (at, char) => {
      fc.pre(text[at] !== char);
      assert.throws(() => decodeInvoice(text.slice(0, at) + char + text.slice(at + 1)), Bolt11Error);
    }),
  );
});

test("changed terms never keep their payee, even with a right checksum", () => {
  for (const namePayee of [false, true]) {
    const { hrp, words } = parseBech32(encodeInvoice(TERMS, SECRET_KEY, { namePayee }).text);
    fc.assert(
      fc.property(
        fc.nat({ max: words.length - SIGNATURE_WORDS - 1 }),
        fc.integer({ min: 1, max: 31 }),
        (at, flip) => {
          const forged = words.map((word, index) => (index === at ? word ^ flip : word));
          assert.notEqual(payeeOr(formatBech32(hrp, forged)), NODE_ID);
        },
      ),
      { numRuns: 100 },
    );
    const dearer = formatBech32(hrp.replace("210n", "211n"), words);
    assert.notEqual(payeeOr(dearer), NODE_ID);
  }
});

test("no text at all makes anything but an answer or a named rule", () => {
  const anything = fc.oneof(
    fc.string({ unit: "binary", maxLength: 200 }),
    fc.array(fc.nat({ max: 31 }), { maxLength: 300 }).map((words) => formatBech32("lnbcrt", words)),
    fc
      .array(fc.nat({ max: 31 }), { minLength: 104, maxLength: 300 })
      .map((words) => formatBech32("lnbc1m", words)),
  );
  fc.assert(
    fc.property(anything, (given) => {
      payeeOr(given);
    }),
    { numRuns: 200 },
  );
});

test("amounts take their shortest form and come back exactly", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: AMOUNT_MSATS_MAX }), (msats) => {
      assert.equal(parseAmount(formatAmount(msats)), msats);
    }),
  );
  const forms: [bigint, string][] = [
    [1n, "10p"],
    [100n, "1n"],
    [150n, "1500p"],
    [250_000_000n, "2500u"],
    [2_000_000_000n, "20m"],
    [100_000_000_000n, "1"],
    [AMOUNT_MSATS_MAX, "21000000"],
  ];
  for (const [msats, form] of forms) assert.equal(formatAmount(msats), form);
});

test("amounts that no writer may make are refused by their rule", () => {
  const cases: [string, Bolt11Rule][] = [
    ["0", "amount_malformed"],
    ["0m", "amount_malformed"],
    ["01m", "amount_malformed"],
    ["m", "amount_malformed"],
    ["-1m", "amount_malformed"],
    ["1.5m", "amount_multiplier"],
    ["1x", "amount_multiplier"],
    ["1mm", "amount_multiplier"],
    ["1M", "amount_multiplier"],
    ["1p", "amount_precision"],
    ["2500000001p", "amount_precision"],
    ["21000001", "amount_range"],
    ["9".repeat(4_000), "amount_range"],
  ];
  for (const [text, rule] of cases) refuses(() => parseAmount(text), rule, text);
  refuses(() => formatAmount(0n), "amount_range");
  refuses(() => formatAmount(AMOUNT_MSATS_MAX + 1n), "amount_range");
});

test("texts that are no bech32 are refused by their rule", () => {
  const { text } = encodeInvoice(TERMS, SECRET_KEY);
  const cases: [string, Bolt11Rule][] = [
    ["", "bech32_separator"],
    [text.replaceAll("1", ""), "bech32_separator"],
    [`LNBCRT${text.slice(6)}`, "bech32_case"],
    [`${text.slice(0, -1)}b`, "bech32_character"],
    [`ln bcrt1${"q".repeat(200)}`, "bech32_character"],
    ["lnbc1qqq", "too_short"],
    [` ${text}`, "bech32_character"],
    [`lnbc1${"q".repeat(7_100)}`, "length_limit"],
  ];
  for (const [given, rule] of cases) refuses(() => decodeInvoice(given), rule, given);
});

test("an invoice for another network is refused where one is expected", () => {
  const { text } = encodeInvoice(TERMS, SECRET_KEY);
  assert.equal(decodeInvoice(text, "regtest").payee, NODE_ID);
  refuses(() => decodeInvoice(text, "mainnet"), "network_mismatch");
  for (const prefix of ["lnxy", "ln", "bc", "lnbcr", "lntbsx"]) {
    refuses(() => decodeInvoice(formatBech32(prefix, [])), "prefix_unknown", prefix);
  }
});

// Fields by hand, to write what our writer never would.
const field = (type: number, data: readonly number[]) => [type, data.length >> 5, data.length & 31, ...data];
const P = field(1, wordsOfHex("ab".repeat(32)));
const S = field(16, wordsOfHex("cd".repeat(32)));
const D = field(13, wordsOf(utf8ToBytes("x")));
const H = field(23, wordsOfHex("ef".repeat(32)));
const NINE = field(5, wordsOfFeatures([8, 14]));

test("fields are refused by their rule, and the first rule that is broken is the one reported", () => {
  const cases: [string, readonly number[], Bolt11Rule | "fine"][] = [
    ["the plainest", [...P, ...S, ...D, ...NINE], "fine"],
    ["no payment hash", [...S, ...D, ...NINE], "payment_hash_missing"],
    ["no payment secret", [...P, ...D, ...NINE], "payment_secret_missing"],
    ["no payment secret and no features", [...P, ...D], "payment_secret_missing"],
    ["a secret that the features do not announce", [...P, ...S, ...D], "payment_secret_unannounced"],
    ["no description", [...P, ...S, ...NINE], "description_missing"],
    ["two descriptions", [...P, ...S, ...D, ...H, ...NINE], "description_ambiguous"],
    ["two payment hashes", [...P, ...P, ...S, ...D, ...NINE], "field_repeated"],
    ["two secrets", [...P, ...S, ...S, ...D, ...NINE], "field_repeated"],
    ["two expiries", [...P, ...S, ...D, ...NINE, ...field(6, [1]), ...field(6, [1])], "field_repeated"],
    ["an expiry of leading zeros", [...P, ...S, ...D, ...NINE, ...field(6, [0, 0, 1])], "fine"],
    ["an endless expiry", [...P, ...S, ...D, ...NINE, ...field(6, Array(11).fill(31))], "field_range"],
    [
      "description that is no UTF-8",
      [...P, ...S, ...field(13, wordsOf(Uint8Array.of(0xff))), ...NINE],
      "description_encoding",
    ],
    ["description with bits left over", [...P, ...S, ...field(13, [1]), ...NINE], "field_padding"],
    ["hash with bits left over", [...field(1, Array(52).fill(31)), ...S, ...D, ...NINE], "field_padding"],
    [
      "named node that is no key",
      [...P, ...S, ...D, ...NINE, ...field(19, wordsOfHex("05".repeat(33)))],
      "node_id_malformed",
    ],
    [
      "named node that did not sign",
      [...P, ...S, ...D, ...NINE, ...field(19, wordsOfHex(publicKeyOf(hexToBytes("43".repeat(32)))))],
      "signature_mismatch",
    ],
    ["a field that ends early", [...P, ...S, ...D, ...NINE, 1, 1, 20, 0], "field_truncated"],
    ["a field without its length", [...P, ...S, ...D, ...NINE, 1], "field_truncated"],
    [
      "a hash of another length is skipped",
      [...P, ...S, ...D, ...NINE, ...field(1, Array(51).fill(0))],
      "fine",
    ],
    ["an unknown field is skipped", [...P, ...S, ...D, ...NINE, ...field(31, [1, 2, 3])], "fine"],
    ["an unknown fallback is skipped", [...P, ...S, ...D, ...NINE, ...field(9, [19, 1])], "fine"],
    ["an empty fallback", [...P, ...S, ...D, ...NINE, ...field(9, [])], "fallback_malformed"],
    [
      "a short key hash",
      [...P, ...S, ...D, ...NINE, ...field(9, [17, ...wordsOfHex("00".repeat(19))])],
      "fallback_malformed",
    ],
    ["an empty route", [...P, ...S, ...D, ...NINE, ...field(3, [])], "route_hint_malformed"],
    [
      "a route of half a hop",
      [...P, ...S, ...D, ...NINE, ...field(3, wordsOfHex(NODE_ID))],
      "route_hint_malformed",
    ],
    [
      "an unknown required feature",
      [...P, ...S, ...D, ...field(5, wordsOfFeatures([8, 14, 100]))],
      "feature_unknown",
    ],
    ["an unknown offered feature", [...P, ...S, ...D, ...field(5, wordsOfFeatures([8, 14, 101]))], "fine"],
    [
      "a feature without its base",
      [...P, ...S, ...D, ...field(5, wordsOfFeatures([14]))],
      "feature_dependency",
    ],
    ["everything wrong at once", [...P, ...P, ...field(5, wordsOfFeatures([100]))], "field_repeated"],
  ];
  for (const [name, fields, rule] of cases) {
    const words = [...wordsOfNumber(1_790_000_000, 7), ...fields];
    const text = formatBech32("lnbcrt10u", [...words, ...signWords("lnbcrt10u", words, SECRET_KEY)]);
    if (rule === "fine") assert.equal(decodeInvoice(text).payee, NODE_ID, name);
    else refuses(() => decodeInvoice(text), rule, name);
  }
});

test("a high-S signature is refused where the invoice names its node", () => {
  const { hrp, words } = parseBech32(encodeInvoice(TERMS, SECRET_KEY, { namePayee: true }).text);
  const signature = Buffer.from(bytesOfWords(words.slice(-SIGNATURE_WORDS)));
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  const s = order - BigInt(`0x${signature.subarray(32, 64).toString("hex")}`);
  signature.set(Buffer.from(s.toString(16).padStart(64, "0"), "hex"), 32);
  const flipped = [...words.slice(0, -SIGNATURE_WORDS), ...wordsOf(new Uint8Array(signature))];
  refuses(() => decodeInvoice(formatBech32(hrp, flipped)), "signature_high_s");
});

test("what cannot be read back is not written", () => {
  const cases: [Partial<InvoiceTerms>, Bolt11Rule][] = [
    [{ amountMsats: 0n }, "amount_range"],
    [{ createdAtSeconds: 2 ** 35 }, "timestamp_range"],
    [{ createdAtSeconds: 1.5 }, "timestamp_range"],
    [{ expirySeconds: -1 }, "field_range"],
    [{ minFinalCltv: Number.NaN }, "field_range"],
    [{ paymentHash: "ab" }, "field_range"],
    [{ features: [14, 8] }, "field_range"],
    [{ features: [] }, "payment_secret_unannounced"],
    [{ features: [8, 14, 30] }, "feature_unknown"],
    [{ description: { kind: "text", text: "x".repeat(640) } }, "field_range"],
    [{ description: { kind: "hash", sha256: "ab" } }, "description_missing"],
    [{ fallbacks: [{ version: 17, program: "00" }] }, "fallback_malformed"],
    [{ routeHints: [[]] }, "route_hint_malformed"],
  ];
  for (const [differs, rule] of cases) {
    refuses(
      () => encodeInvoice({ ...TERMS, ...differs }, SECRET_KEY),
      rule,
      JSON.stringify(Object.keys(differs)),
    );
  }
});

test("feature bits keep their numbers", () => {
  assert.deepEqual(featuresOf(wordsOfFeatures([])), []);
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat({ max: 300 })), (bits) => {
      const sorted = bits.toSorted((a, b) => a - b);
      assert.deepEqual(featuresOf(wordsOfFeatures(sorted)), sorted);
    }),
  );
});

test("an invoice lapses at its time plus its expiry", () => {
  assert.equal(expiresAtMs(TERMS), 1_790_000_600_000);
});

/** The payee, or the rule; anything but a Bolt11Error fails the test. */
function payeeOr(text: string): string {
  try {
    return decodeInvoice(text).payee;
  } catch (error) {
    if (error instanceof Bolt11Error) return error.rule;
    throw error;
  }
}

function refuses(act: () => unknown, rule: Bolt11Rule, message?: string): void {
  assert.throws(
    act,
    (error) => {
      assert.ok(error instanceof Bolt11Error, `${message ?? ""}: ${String(error)}`);
      assert.equal(error.rule, rule, message);
      return true;
    },
    message,
  );
}

function bytesOfWords(words: readonly number[]): Uint8Array {
  let bits = "";
  for (const word of words) bits += word.toString(2).padStart(5, "0");
  return Uint8Array.from(bits.match(/.{8}/g) ?? [], (byte) => Number.parseInt(byte, 2));
}
