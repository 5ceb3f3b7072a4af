import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { checkIndex, type CanonicalJson } from "./check-index.ts";
import { describeContent } from "./content.ts";
import { languageOf } from "./language.ts";
import { makeRepoIndex, type IndexEntry, type RepoIndex } from "./repo-index.ts";
import { treeIdOf } from "./tree-id.ts";
import { compareUtf8 } from "./utf8-order.ts";

/** Enough of canonical JSON for plain names; the real one is the receipts'. */
const JSON_TEXT: CanonicalJson = {
  parse: (bytes) => JSON.parse(bytes.toString("utf8")),
  write: (value) => JSON.stringify(sorted(value)),
};

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, each]) => [key, sorted(each)] as const)
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function file(path: string, text: string, mode = "100644"): IndexEntry {
  const bytes = Buffer.from(text);
  const id = createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
  return { path, mode, id, content: describeContent(bytes) };
}

const ENTRIES = [
  file("README.md", "# Title\n\ntext"),
  file("src/a.ts", "export const a = 1;\n"),
  file("src.ts", ""),
  file("bin/run", "#!/bin/sh\n", "100755"),
  file("link", "README.md", "120000"),
  { path: "vendor", mode: "160000", id: "f".repeat(40), content: undefined },
];
const TREE = treeIdOf(ENTRIES) ?? "";
const LIMITS = { baseTree: TREE, filesMax: 6, bytesMax: 1_000n };

function check(index: unknown, limits = LIMITS) {
  return checkIndex(Buffer.from(JSON.stringify(sorted(index))), limits, JSON_TEXT).violation;
}

test("a tree has the id that git gives it, with folders sorted as if they ended in a slash", () => {
  assert.equal(treeIdOf([]), "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
  // As `git write-tree` says of these entries.
  const id = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";
  const entries = [
    { path: "a.b", mode: "100644", id },
    { path: "a-b", mode: "120000", id },
    { path: "a/c", mode: "100755", id },
  ];
  assert.equal(treeIdOf(entries), "c2246a84dc88b664530e97efa479e6c7bbb6575f");
  assert.equal(treeIdOf(entries.toReversed()), treeIdOf(entries));
});

test("entries that are no tree have no id, however deep they are", () => {
  const id = "e".repeat(40);
  const entry = (path: string) => ({ path, mode: "100644", id });
  for (const paths of [
    ["a", "a"],
    ["a", "a/b"],
    ["a/b", "a"],
    ["a//b"],
    ["/a"],
    ["a/"],
    ["a/".repeat(100_000)],
  ])
    assert.equal(treeIdOf(paths.map(entry)), undefined, paths[0]?.slice(0, 20));
});

test("names are in the order of their bytes, also beyond the plane that UTF-16 orders alike", () => {
  const name = fc.string({ unit: "grapheme", maxLength: 6 });
  fc.assert(
    fc.property(name, name, (a, b) => {
      const expected = Buffer.compare(Buffer.from(a), Buffer.from(b));
      assert.equal(Math.sign(compareUtf8(a, b)), expected);
    }),
  );
  assert.equal(compareUtf8("\u{10000}", "\uffff"), 1);
});

test("an index is the same in whatever order its entries come", () => {
  const expected = JSON_TEXT.write(makeRepoIndex(TREE, ENTRIES));
  fc.assert(
    fc.property(fc.shuffledSubarray(ENTRIES, { minLength: ENTRIES.length }), (shuffled) => {
      assert.equal(JSON_TEXT.write(makeRepoIndex(TREE, shuffled)), expected);
    }),
  );
});

test("an index says of each file what it holds, and in all", () => {
  const { files, totals } = makeRepoIndex(TREE, ENTRIES);
  assert.deepEqual(
    files.map(({ path, language, lines }) => [path, language, lines]),
    [
      ["README.md", "markdown", 3],
      ["bin/run", undefined, 1],
      ["link", undefined, 1],
      ["src.ts", "typescript", 0],
      ["src/a.ts", "typescript", 1],
      ["vendor", undefined, undefined],
    ],
  );
  assert.deepEqual([totals.files, totals.lines], [5, 6]);
  assert.deepEqual(totals.languages["typescript"], { files: 2, bytes: 20, lines: 1 });
});

test("lines are those of text, a last one without an end among them; what has a NUL byte is none", () => {
  const lines = (bytes: string) => describeContent(Buffer.from(bytes)).lines;
  assert.deepEqual(["", "a", "a\n", "a\nb", "\n\n", "a\0\n"].map(lines), [0, 1, 1, 2, 2, undefined]);
});

test("a language comes from the name alone", () => {
  const names = ["a/B.TS", "Makefile", ".gitignore", "x.y.rs", "constructor", "a.constructor", "d.js/none"];
  assert.deepEqual(names.map(languageOf), [
    "typescript",
    "make",
    undefined,
    "rust",
    undefined,
    undefined,
    undefined,
  ]);
});

test("an honest index breaks no rule", () => {
  assert.equal(check(makeRepoIndex(TREE, ENTRIES)), undefined);
});

test("whatever an index says otherwise than its tree does is a violation", () => {
  const honest = makeRepoIndex(TREE, ENTRIES);
  const lie = (change: (index: RepoIndex) => unknown) => check(change(structuredClone(honest)));
  const patchFile = (change: object) =>
    lie((index) => ({ ...index, files: [{ ...index.files[0], ...change }, ...index.files.slice(1)] }));
  assert.equal(patchFile({ language: "rust" }), "index_not_canonical");
  assert.equal(patchFile({ lines: 2 }), "index_not_canonical", "the totals say three");
  assert.equal(patchFile({ note: "x" }), "index_not_canonical");
  assert.equal(patchFile({ path: "READMF.md" }), "index_tree_differs");
  assert.equal(patchFile({ mode: "100755" }), "index_tree_differs");
  assert.equal(patchFile({ id: "0".repeat(40) }), "index_tree_differs");
  assert.equal(patchFile({ mode: "040000" }), "index_malformed");
  assert.equal(patchFile({ sha256: "x" }), "index_malformed");
  assert.equal(patchFile({ bytes: -1 }), "index_malformed");
  assert.equal(patchFile({ lines: 1_000 }), "index_malformed", "no text has more lines than bytes");
  assert.equal(
    lie((index) => ({ ...index, totals: { ...index.totals, files: 9 } })),
    "index_not_canonical",
  );
  assert.equal(
    lie((index) => ({ ...index, files: index.files.toReversed() })),
    "index_not_canonical",
  );
  assert.equal(
    lie((index) => ({ ...index, tree: "0".repeat(40) })),
    "index_not_canonical",
  );
  const fewer = makeRepoIndex(TREE, ENTRIES.slice(1));
  assert.equal(check(fewer), "index_tree_differs", "a file left out");
  assert.equal(check([]), "index_malformed");
  assert.equal(check({ files: [null] }), "index_malformed");
});

test("an index is held to its job's limits and to canonical bytes", () => {
  const honest = makeRepoIndex(TREE, ENTRIES);
  assert.equal(check(honest, { ...LIMITS, filesMax: 5 }), "index_over_limits");
  assert.equal(check(honest, { ...LIMITS, bytesMax: 10n }), "index_over_limits");
  const spaced = Buffer.from(` ${JSON_TEXT.write(honest)}`);
  assert.equal(checkIndex(spaced, LIMITS, JSON_TEXT).violation, "index_not_canonical");
  assert.equal(checkIndex(Buffer.from("{"), LIMITS, JSON_TEXT).violation, "index_malformed");
  const large = Buffer.alloc(8 * 1024 * 1024 + 1, " ");
  assert.equal(checkIndex(large, LIMITS, JSON_TEXT).violation, "index_too_large");
});
