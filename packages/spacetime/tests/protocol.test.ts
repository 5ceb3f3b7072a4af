import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  BsatnError,
  TABLES,
  decodeClientFrame,
  encodeBsatn,
  encodeClientFrames,
  formatQuery,
  identityHexOf,
  moduleSchemaJson,
  parseQuery,
  readRows,
  rowListOf,
  type ClientMessage,
  type Query,
} from "@openagents/spacetime";

const seqs = fc.bigInt({ min: 0n, max: (1n << 62n) - 1n });
const hex = fc.stringMatching(/^[0-9a-f]{64}$/);
const plain = { noNullPrototype: true } as const;
const table = <T extends Query["table"]>(...names: T[]) => fc.constantFrom(...names);
const queries: fc.Arbitrary<Query> = fc.oneof(
  fc.record({ table: table("sync_event"), streamId: fc.string(), afterSeq: seqs }, plain),
  fc.record({ table: table("sync_event"), streamId: fc.string(), afterSeq: seqs, throughSeq: seqs }, plain),
  fc.record({ table: table("stream_head"), streamId: fc.string() }, plain),
  fc.record({ table: table("stream_checkpoint"), clientId: fc.string() }, plain),
  fc.record({ table: table("stream_checkpoint"), clientId: fc.string(), streamId: fc.string() }, plain),
  fc.record({ table: table("active_connection", "nostr_presence_claim"), identityHex: hex }, plain),
);

test("every query reads back as what it says, whatever its texts hold", () => {
  fc.assert(fc.property(queries, (query) => assert.deepEqual(parseQuery(formatQuery(query)), query)));
});

test("generated clients' form of a query is read, too", () => {
  const expected = { table: "sync_event", streamId: "runtime.stats", afterSeq: 3n, throughSeq: 9n };
  for (const text of [
    `SELECT * FROM "sync_event" WHERE ("sync_event"."stream_id" = 'runtime.stats') AND ("sync_event"."seq" > 3) AND ("sync_event"."seq" <= 9)`,
    "select * from sync_event where sync_event.stream_id = 'runtime.stats' and seq >= 4 and seq <= 9;",
  ]) {
    assert.deepEqual(parseQuery(text), expected);
  }
  assert.deepEqual(parseQuery("SELECT * FROM sync_event WHERE stream_id = 'a'"), {
    table: "sync_event",
    streamId: "a",
    afterSeq: 0n,
  });
});

test("no other text is a query", () => {
  for (const text of [
    "",
    "SELECT 1",
    "SELECT * FROM sync_event",
    "SELECT * FROM sync_event WHERE seq > 1",
    "SELECT * FROM sync_event WHERE stream_id = 'a' OR stream_id = 'b'",
    "SELECT * FROM sync_event WHERE stream_id = 'a' AND stream_id = 'b'",
    "SELECT * FROM sync_event WHERE stream_id = 'a' AND seq > 1 AND seq >= 1",
    "SELECT * FROM sync_event WHERE stream_id = 'a' AND seq > -1",
    "SELECT * FROM sync_event WHERE stream_id = 'a' AND payload_json = 'x'",
    "SELECT * FROM sync_event WHERE stream_head.stream_id = 'a'",
    "SELECT * FROM stream_head WHERE stream_id > 'a'",
    "SELECT * FROM stream_head WHERE (stream_id = 'a'",
    "SELECT * FROM stream_head WHERE stream_id = 'a'; DROP TABLE x",
    "SELECT * FROM stream_events WHERE stream_id = 'a'",
    "SELECT * FROM toString WHERE stream_id = 'a'",
    `SELECT * FROM stream_head WHERE stream_id = '${"a".repeat(3000)}'`,
  ]) {
    assert.equal(parseQuery(text), undefined, text);
  }
  fc.assert(fc.property(fc.string(), (text) => assert.equal(parseQuery(text), undefined)));
});

const messages: readonly ClientMessage[] = [
  {
    tag: "Subscribe",
    value: { requestId: 1, querySetId: { id: 2 }, queryStrings: ["SELECT * FROM stream_head"] },
  },
  { tag: "OneOffQuery", value: { requestId: 3, queryString: "" } },
];

test("version 2 has a message in each frame, version 3 all in one", () => {
  assert.equal(encodeClientFrames("v2.bsatn.spacetimedb", messages).length, 2);
  const [frame = new Uint8Array()] = encodeClientFrames("v3.bsatn.spacetimedb", messages);
  assert.deepEqual(decodeClientFrame("v3.bsatn.spacetimedb", frame), messages);
  assert.throws(() => decodeClientFrame("v2.bsatn.spacetimedb", frame), BsatnError);
  assert.throws(() => decodeClientFrame("v3.bsatn.spacetimedb", new Uint8Array()), BsatnError);
  assert.throws(() => decodeClientFrame("v3.bsatn.spacetimedb", frame.subarray(0, -1)), BsatnError);
});

const head = (streamId: string) => ({ stream_id: streamId, head_seq: 1n, updated_at_unix_ms: 2n });

test("rows of a list read back, of one size and of several, and not from where a hint lies", () => {
  const { row } = TABLES.stream_head;
  for (const ids of [[], ["a"], ["a", "b"], ["a", "bcd", ""]]) {
    const list = rowListOf(ids.map((id) => encodeBsatn(row, head(id))));
    assert.deepEqual(readRows(row, list), ids.map(head));
    assert.equal(list.sizeHint.tag, ids.length === 1 || ids.length === 2 ? "FixedSize" : "RowOffsets");
  }
  const { rowsData } = rowListOf([encodeBsatn(row, head("a"))]);
  for (const sizeHint of [
    { tag: "FixedSize", value: 0 },
    { tag: "FixedSize", value: 7 },
    { tag: "RowOffsets", value: [] },
    { tag: "RowOffsets", value: [1n] },
    { tag: "RowOffsets", value: [0n, 0n] },
    { tag: "RowOffsets", value: [0n, 1n << 60n] },
  ] as const) {
    assert.throws(() => readRows(row, { sizeHint, rowsData }), BsatnError);
  }
});

test("an identity is the published form of a hash of issuer and subject", () => {
  const one = identityHexOf("https://issuer.example", "usr_1");
  assert.match(one, /^c200[0-9a-f]{60}$/);
  assert.notEqual(identityHexOf("https://issuer.example", "usr_2"), one);
});

test("the schema has the five tables and the eight reducers", () => {
  const schema = JSON.parse(JSON.stringify(moduleSchemaJson()));
  const names = (list: readonly { readonly name: string }[]) => list.map(({ name }) => name).sort();
  assert.deepEqual(names(schema.tables), [
    "active_connection",
    "nostr_presence_claim",
    "stream_checkpoint",
    "stream_head",
    "sync_event",
  ]);
  assert.equal(schema.reducers.length, 8);
  assert.deepEqual(schema.tables[3].primary_key, [0]);
  assert.deepEqual(schema.typespace.types[2].Product.elements[1], {
    name: { some: "head_seq" },
    algebraic_type: { U64: [] },
  });
});
