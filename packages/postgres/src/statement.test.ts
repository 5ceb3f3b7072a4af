import assert from "node:assert/strict";
import test from "node:test";
import { mergeWrites, statement, type Write } from "./index.ts";

const write = (name: string, text: string, ...values: unknown[]): Write => ({ name, text, values });

test("parameters are numbered on, values keep their order", () => {
  const { statement: merged, values } = mergeWrites([
    write("a", "INSERT INTO a VALUES ($1, $2, $1)", 1, 2),
    write("b", "UPDATE b SET x = $1 WHERE y = $2", 3, 4),
  ]);
  assert.equal(
    merged.text,
    "WITH w0 AS (INSERT INTO a VALUES ($1, $2, $1)), w1 AS (UPDATE b SET x = $3 WHERE y = $4) SELECT 1",
  );
  assert.deepEqual(values, [1, 2, 3, 4]);
});

test("what only looks like a parameter stays as it is", () => {
  const text = `INSERT INTO "a$1" VALUES ('costs $1, it''s $2', $1) -- not $1\n/* nor $1 */`;
  const { statement: merged } = mergeWrites([
    write("first", "DELETE FROM c WHERE d = $1", 1),
    write("odd", text, 2),
  ]);
  assert.ok(merged.text.includes(text.replace("', $1)", "', $2)")), merged.text);
});

test("a comment at the end of a write does not swallow what follows", () => {
  const commented = write("commented", "DELETE FROM a -- all of it");
  const { statement: merged } = mergeWrites([commented, write("next", "DELETE FROM b")]);
  assert.match(merged.text, /-- all of it\n\), w1/);
});

test("a write alone is sent as it is", () => {
  const { statement: merged, values } = mergeWrites([write("only", "DELETE FROM a WHERE b = $1", 7)]);
  assert.equal(merged.text, "DELETE FROM a WHERE b = $1");
  assert.deepEqual(values, [7]);
});

test("equal names with other texts never get each other's statement", () => {
  const pair = (table: string) =>
    mergeWrites([write("x", `DELETE FROM ${table}`), write("y", "DELETE FROM z")]);
  const [first, other, again] = [pair("one"), pair("two"), pair("one")];
  assert.match(first.statement.text, /FROM one/);
  assert.match(other.statement.text, /FROM two/);
  assert.deepEqual(again.statement, first.statement);
  assert.notEqual(other.statement.name, first.statement.name);
});

test("more values than the protocol can count are refused before anything is sent", () => {
  const half = write("half", "INSERT INTO a VALUES ($1)", ...Array.from({ length: 40_000 }, (_, i) => i));
  assert.throws(() => mergeWrites([half, half]), /80000 values.*65535/);
});

test("a statement name that PostgreSQL would cut is refused", () => {
  assert.throws(() => statement("x".repeat(64), "SELECT 1"), /more than 63 bytes/);
  assert.equal(statement("x".repeat(63), "SELECT 1").name.length, 63);
});
