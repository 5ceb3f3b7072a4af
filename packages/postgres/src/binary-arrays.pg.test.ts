import assert from "node:assert/strict";
import { test } from "node:test";
import { testDatabase } from "@openagents/testing";
import fc from "fast-check";
import { encodeArrays } from "./binary-arrays.ts";
import { statement } from "./index.ts";

const ECHO = statement(
  "arrays.echo",
  `SELECT t, n, b FROM unnest($1::text[], $2::bigint[], $3::bytea[]) WITH ORDINALITY AS u (t, n, b, at) ORDER BY at`,
);

test("whatever columns are sent in binary form, the server reads their elements as they were", async (t) => {
  const { db } = await testDatabase(t, { directories: [] });
  const orNull = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });
  const fields = {
    t: orNull(
      fc.oneof(
        fc.string({ unit: "grapheme", maxLength: 300 }),
        fc.constantFrom("NULL", '{"a","b"}', "\\x00", '"', ""),
      ),
    ),
    n: orNull(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
    b: orNull(fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes))),
  };
  const row = fc.record(fields, { noNullPrototype: true });
  const storable = row.filter((each) => each.t === null || !each.t.includes("\0"));
  await fc.assert(
    fc.asyncProperty(fc.array(storable, { maxLength: 20 }), async (rows) => {
      const columns = [rows.map((each) => each.t), rows.map((each) => each.n), rows.map((each) => each.b)];
      for (const column of encodeArrays(ECHO, columns)) assert.ok(Buffer.isBuffer(column));
      assert.deepEqual(await db.query(ECHO, columns), rows);
    }),
    { numRuns: 60 },
  );
});

test("what is not of the cast's type is left to the driver, and numbers count as integers where they are", async (t) => {
  const { db } = await testDatabase(t, { directories: [] });
  const mixed = statement("", "SELECT $1::text[] AS t, $2::bigint[]::text[] AS n, $3::text[] AS missing");
  const values = [["a", 7], [1, 2n, "3"], null];
  assert.deepEqual(encodeArrays(mixed, values), values);
  assert.deepEqual(await db.query(mixed, values), [{ t: ["a", "7"], n: ["1", "2", "3"], missing: null }]);
  const [row] = await db.query<{ sum: bigint }>(
    statement("", "SELECT sum(n)::bigint AS sum FROM unnest($1::bigint[]) AS n"),
    [[1, 2n, Number.MAX_SAFE_INTEGER]],
  );
  assert.equal(row?.sum, 2n ** 53n + 2n);
});
