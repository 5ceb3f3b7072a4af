import assert from "node:assert/strict";
import { test } from "node:test";
import {
  NoteError,
  formatNoteKey,
  noteKeyOf,
  openCheckpoint,
  parseCheckpoint,
  parseNote,
  parseNoteKey,
  signCheckpoint,
} from "@openagents/receipts";
import { readCheckpoint } from "@openagents/testing";
import { openNote } from "./note.ts";

const SECRET = "22".repeat(32);
const ORIGIN = "log.example/receipts";
const ROOT = new Uint8Array(32).fill(7);
const KEY = noteKeyOf(ORIGIN, SECRET);
const SIGNED = signCheckpoint({ size: 70_000, root: ROOT }, ORIGIN, SECRET);

const fault = (code: string) => (error: unknown) => error instanceof NoteError && error.code === code;

test("a note that others published opens under its published key", () => {
  const note =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n" +
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
  const key = parseNoteKey("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
  assert.match(openNote(note, key), /^If you think cryptography/);
  assert.equal(formatNoteKey(key), "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
});

test("a size has one checkpoint, which opens under the log's key here and by Node's own Ed25519", () => {
  assert.equal(signCheckpoint({ size: 70_000, root: ROOT }, ORIGIN, SECRET), SIGNED);
  const opened = openCheckpoint(SIGNED, parseNoteKey(formatNoteKey(KEY)));
  assert.deepEqual(opened, { origin: ORIGIN, size: 70_000, root: ROOT });
  assert.deepEqual(readCheckpoint(SIGNED, formatNoteKey(KEY)), { ...opened, root: Buffer.from(ROOT) });
});

test("no bit of a checkpoint can be flipped, and no byte cut", () => {
  const bytes = Buffer.from(SIGNED);
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.throws(() => openCheckpoint(flipped.toString("utf8"), KEY), NoteError, `bit ${bit}`);
  }
  for (let length = 0; length < SIGNED.length; length += 1)
    assert.throws(() => openCheckpoint(SIGNED.slice(0, length), KEY), NoteError);
});

test("signatures by others are passed over; one in the log's name that is not its is a forgery", () => {
  const foreign = signCheckpoint({ size: 70_000, root: ROOT }, "witness.example/w", "33".repeat(32));
  const line = foreign.split("\n").at(-2) ?? "";
  assert.equal(openCheckpoint(`${SIGNED}${line}\n`, KEY).size, 70_000);
  assert.throws(() => openCheckpoint(foreign, KEY), fault("unsigned"));
  const other = parseNote(signCheckpoint({ size: 70_001, root: ROOT }, ORIGIN, SECRET));
  assert.equal(other.signatures.length, 1);
  const moved = SIGNED.replace("70000", "70001");
  assert.throws(() => openCheckpoint(moved, KEY), fault("forged"));
  assert.throws(() => openCheckpoint(SIGNED, noteKeyOf("log.example/other", SECRET)), fault("unsigned"));
});

test("every other spelling of a checkpoint is refused", () => {
  const sign = (text: string) => `${text}\n${SIGNED.slice(SIGNED.lastIndexOf("\n\n") + 2)}`;
  const root = Buffer.from(ROOT).toString("base64");
  for (const text of [
    "",
    "o\n1\n",
    `\n1\n${root}\n`,
    `o\n01\n${root}\n`,
    `o\n-1\n${root}\n`,
    `o\n1.0\n${root}\n`,
    `o\n9007199254740993\n${root}\n`,
    `o\n1\n${root.replace(/=$/, "")}\n`,
    `o\n1\n${root.slice(0, -2)}d=\n`,
    `o\n1\n${root}\n\next\n`,
    `o\r\n1\n${root}\n`,
    `o\n1\n${root}`,
  ])
    assert.throws(() => parseCheckpoint(sign(text)), fault("malformed"), JSON.stringify(text));
  assert.equal(parseCheckpoint(sign(`o\n0\n${root}\nan extension\n`)).size, 0);
});

test("a key of another form, or with another id, is none", () => {
  const good = formatNoteKey(KEY);
  for (const text of [
    "",
    "a",
    good.slice(0, -1),
    `${good}=`,
    good.replace("+", "++"),
    good.replace(/\+[0-9a-f]{8}/, "+00000000"),
  ])
    assert.throws(() => parseNoteKey(text), RangeError, text);
  assert.throws(() => noteKeyOf("two words", SECRET), RangeError);
  assert.throws(() => noteKeyOf("a+b", SECRET), RangeError);
  assert.throws(() => noteKeyOf("a", "zz"), /64 lower-case hex digits/);
});
