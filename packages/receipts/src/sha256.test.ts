import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { sha256Hex } from "./sha256.ts";

test("the hash is the same in Node and in a browser, for every text and all bytes", () => {
  const texts = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: "grapheme" }),
    fc.constant("\ud800 alone"),
  );
  fc.assert(
    fc.property(texts, (text) => assert.equal(sha256Hex(text), bytesToHex(sha256(utf8ToBytes(text))))),
  );
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => assert.equal(sha256Hex(bytes), bytesToHex(sha256(bytes)))),
  );
});
