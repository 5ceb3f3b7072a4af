// BOLT 11's own examples, kept outside the repository: in the folder that
// OPENAGENTS_VECTORS names, or beside the repository in shared/vectors.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { Bolt11Error, addressOf, decodeInvoice, type Bolt11Rule, type Invoice } from "./index.ts";
import { parseBech32 } from "./bech32-text.ts";
import { SIGNATURE_WORDS, signWords } from "./signature.ts";

const FOLDER =
  process.env["OPENAGENTS_VECTORS"] ??
  fileURLToPath(new URL("../../../../../shared/vectors", import.meta.url));

type Vectors = Record<"valid" | "invalid", readonly { readonly title: string; readonly invoice: string }[]>;

const PAYEE = "03e7156ae33b0a208d0744199163177e909e80176e55d97a2f221ede0f934dd9ad";
const SECRET_KEY = hexToBytes("e126f68f7eafcc8b74f54d269fe206be715000f94dac067d1c04a8ca3b2db734");
const LIST =
  "One piece of chocolate cake, one icecream cone, one pickle, one slice of swiss cheese, one slice of salami, one lollypop, one piece of cherry pie, one sausage, one cupcake, and one slice of watermelon";

const COMMON: Partial<Invoice> = {
  network: "mainnet",
  amountMsats: 2_000_000_000n,
  createdAtSeconds: 1_496_314_658,
  paymentHash: "0001020304050607080900010203040506070809000102030405060708090102",
  paymentSecret: "11".repeat(32),
  description: { kind: "hash", sha256: bytesToHex(sha256(utf8ToBytes(LIST))) },
  expirySeconds: 3_600,
  minFinalCltv: 18,
  features: [8, 14],
  metadata: undefined,
  fallbacks: [],
  routeHints: [],
  payee: PAYEE,
};
const text = (said: string): Partial<Invoice> => ({ description: { kind: "text", text: said } });

/** By the beginning of its title: what differs from COMMON, and the address that it falls back to. */
const VALID: readonly (readonly [title: string, differs: Partial<Invoice>, address?: string])[] = [
  ["Please make a donation", { amountMsats: undefined, ...text("Please consider supporting this project") }],
  ["Please send $3", { amountMsats: 250_000_000n, expirySeconds: 60, ...text("1 cup coffee") }],
  ["Please send 0.0025 BTC", { amountMsats: 250_000_000n, expirySeconds: 60, ...text("ナンセンス 1杯") }],
  ["Now send $24", {}],
  ["The same, on testnet", { network: "testnet" }, "mk2QpYatsKicvFVuTAQLBryyccRXMUaGHP"],
  [
    "On mainnet, with fallback address 1RustyRX2oai4EYYDpQGWvEL62BBGqN9T",
    {
      routeHints: [
        [
          {
            nodeId: "029e03a901b85534ff1e92c43c74431f7ce72046060fcf7a95c37e148f78c77255",
            shortChannelId: 0x0102030405060708n,
            feeBaseMsats: 1n,
            feePpm: 20,
            cltvDelta: 3,
          },
          {
            nodeId: "039e03a901b85534ff1e92c43c74431f7ce72046060fcf7a95c37e148f78c77255",
            shortChannelId: 0x030405060708090an,
            feeBaseMsats: 2n,
            feePpm: 30,
            cltvDelta: 4,
          },
        ],
      ],
    },
    "1RustyRX2oai4EYYDpQGWvEL62BBGqN9T",
  ],
  ["On mainnet, with fallback (P2SH)", {}, "3EktnHQD7RiAE6uzMj2ZifT9YgRrkSgzQX"],
  ["On mainnet, with fallback (P2WPKH)", {}, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"],
  ["On mainnet, with fallback (P2WSH)", {}, "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3"],
  ["On mainnet, with fallback (P2TR)", {}, "bc1pptdvg0d2nj99568qn6ssdy4cygnwuxgw2ukmnwgwz7jpqjz2kszse2s3lm"],
  [
    "Please send 0.00967878534 BTC",
    {
      amountMsats: 967_878_534n,
      createdAtSeconds: 1_572_468_703,
      paymentHash: "462264ede7e14047e9b249da94fefc47f41f7d02ee9b091815a5506bc8abf75f",
      expirySeconds: 604_800,
      minFinalCltv: 10,
      ...text(
        'Blockstream Store: 88.85 USD for Blockstream Ledger Nano S x 1, "Back In My Day" Sticker x 2, "I Got Lightning Working" Sticker x 2 and 1 more items',
      ),
      routeHints: [
        [
          {
            nodeId: "03d06758583bb5154774a6eb221b1276c9e82d65bbaceca806d90e20c108f4b1c7",
            shortChannelId: (589_390n << 40n) | (3_312n << 16n) | 1n,
            feeBaseMsats: 1_000n,
            feePpm: 2_500,
            cltvDelta: 40,
          },
        ],
      ],
    },
  ],
  [
    "Please send $30 for coffee beans",
    { amountMsats: 2_500_000_000n, features: [8, 14, 99], ...text("coffee beans") },
  ],
  ["Same, but including", { amountMsats: 2_500_000_000n, features: [8, 14, 99], ...text("coffee beans") }],
  [
    "Please send 0.01 BTC",
    {
      amountMsats: 1_000_000_000n,
      features: [8, 14, 48],
      metadata: "01fafaf0",
      ...text("payment metadata inside"),
    },
  ],
  [
    "Public-key recovery with high-S",
    {
      amountMsats: undefined,
      payee: "02d0139ce7427d6dfffd26a326c18be754ef1e64672b42694ba5b23ef6e6e7803d",
      ...text("Please consider supporting this project"),
    },
  ],
];

const INVALID: readonly (readonly [title: string, rule: Bolt11Rule])[] = [
  ["Same, but adding invalid unknown feature 100", "feature_unknown"],
  ["Bech32 checksum is invalid", "bech32_checksum"],
  ["Signature is not recoverable", "signature_not_recoverable"],
  ["String is too short", "too_short"],
  ["Invalid multiplier", "amount_multiplier"],
];

test("every valid example of BOLT 11 says what its description says", (t) => {
  const vectors = readVectors(t);
  if (vectors === undefined) return;
  assert.equal(vectors.valid.length, VALID.length);
  for (const [title, differs, address] of VALID) {
    const { text: said, fallbacks, ...rest } = decodeInvoice(invoiceOf(vectors.valid, title));
    const { fallbacks: none, ...expected } = { ...COMMON, ...differs };
    assert.deepEqual(rest, expected, title);
    assert.deepEqual(
      fallbacks.map((fallback) => addressOf(rest.network, fallback)),
      address === undefined ? none : [address],
      title,
    );
    assert.deepEqual(decodeInvoice(said.toUpperCase()), decodeInvoice(said), "upper case reads the same");
  }
});

test("every invalid example of BOLT 11 is refused for its reason", (t) => {
  const vectors = readVectors(t);
  if (vectors === undefined) return;
  assert.equal(vectors.invalid.length, INVALID.length);
  for (const [title, rule] of INVALID) {
    const invoice = invoiceOf(vectors.invalid, title);
    assert.throws(
      () => decodeInvoice(invoice),
      (error) => error instanceof Bolt11Error && error.rule === rule,
      title,
    );
  }
});

test("signing the words of an example gives its signature bit for bit", (t) => {
  for (const { title, invoice } of readVectors(t)?.valid ?? []) {
    if (title.includes("high-S")) continue;
    const { hrp, words } = parseBech32(invoice);
    const signed = words.slice(0, -SIGNATURE_WORDS);
    assert.deepEqual(signWords(hrp, signed, SECRET_KEY), words.slice(-SIGNATURE_WORDS), title);
  }
});

function invoiceOf(vectors: Vectors["valid"], title: string): string {
  const found = vectors.find((vector) => vector.title.startsWith(title));
  assert.ok(found, title);
  return found.invoice;
}

/** Skips the test, visibly, where the vectors are not at hand. */
function readVectors(t: TestContext): Vectors | undefined {
  try {
    return JSON.parse(readFileSync(`${FOLDER}/bolt11.json`, "utf8")) as Vectors;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    t.skip("no bolt11.json; name its folder in OPENAGENTS_VECTORS");
    return undefined;
  }
}
