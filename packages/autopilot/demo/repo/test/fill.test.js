import assert from "node:assert/strict";
import { test } from "node:test";
import { fill } from "../src/index.js";

test("a text that fits stays on one line", () => {
  assert.equal(fill("The quick fox", { width: 40 }), "The quick fox");
});

test("a line may be exactly as wide as the width", () => {
  assert.equal(fill("aaaa bbbb cccc", { width: 9 }), "aaaa bbbb\ncccc");
});

test("no word is lost, whatever the width", () => {
  const text = "one two three four five six seven eight nine ten";
  for (let width = 5; width <= 60; width += 1) {
    assert.deepEqual(fill(text, { width }).split(/\s+/), text.split(" "));
  }
});

test("no line is wider than the width", () => {
  const text = "a bb ccc dddd eeeee ffffff ggggggg hhhhhhhh";
  for (let width = 1; width <= 20; width += 1) {
    for (const line of fill(text, { width }).split("\n")) assert.ok(line.length <= width);
  }
});

test("a word wider than a line is cut", () => {
  assert.equal(fill("abcdefgh", { width: 3 }), "abc\ndef\ngh");
});

test("paragraphs stay apart", () => {
  assert.equal(fill("one two\n\nthree", { width: 20 }), "one two\n\nthree");
});

test("a width that is no positive integer is refused", () => {
  for (const width of [0, -1, 1.5, NaN]) assert.throws(() => fill("x", { width }), RangeError);
});
