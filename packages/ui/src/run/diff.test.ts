import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDiff } from "./diff.ts";

const DIFF = `diff --git a/src/fill.js b/src/fill.js
index e7caf6e..1cfd5d1 100644
--- a/src/fill.js
+++ b/src/fill.js
@@ -18,3 +18,3 @@ function fillParagraph(paragraph, width) {
   const joined = line;
-  if (a < b) {
+  if (a <= b) {
   line = joined;
@@ -26,2 +26,3 @@
   }
+  if (line !== "") lines.push(line);
   return lines;
diff --git a/q.sql b/q.sql
--- a/q.sql
+++ b/q.sql
@@ -1,2 +1 @@
--- a comment that is taken away
 SELECT 1;
`;

test("lines have their numbers on both sides", () => {
  const [file] = parseDiff(DIFF);
  assert.deepEqual([file?.path, file?.added, file?.removed], ["src/fill.js", 2, 1]);
  assert.deepEqual(
    file?.hunks[0]?.lines.map(({ kind, before, after }) => [kind, before, after]),
    [
      ["context", 18, 18],
      ["removed", 19, undefined],
      ["added", undefined, 19],
      ["context", 20, 20],
    ],
  );
  assert.equal(file?.hunks[1]?.lines[1]?.after, 27);
});

test("a removed line that looks like a file's header is a line", () => {
  const sql = parseDiff(DIFF)[1];
  assert.equal(sql?.hunks[0]?.lines[0]?.text, "-- a comment that is taken away");
  assert.deepEqual([sql?.added, sql?.removed], [0, 1]);
});

test("text that is no diff gives no files", () => {
  assert.deepEqual(parseDiff("@@ -1 +1 @@\n-a\n+b\nhello"), []);
  assert.deepEqual(parseDiff(""), []);
});
