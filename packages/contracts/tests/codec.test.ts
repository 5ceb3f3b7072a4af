import assert from "node:assert/strict";
import { test } from "node:test";
import type { DescMessage } from "@bufbuild/protobuf";
import fc from "fast-check";
import {
  InvalidMessageError,
  allContracts,
  decode,
  decodeShape,
  encode,
  encodeText,
  grantDemoCreditRequestDesc,
  listRunsRequestDesc,
  runDesc,
  runEventDesc,
  type Run,
} from "../src/index.ts";
import { compileProto } from "./compile-proto.ts";
import { plainValue } from "./plain-values.ts";

const everyType = compileProto(`
enum Colour { COLOUR_UNSPECIFIED = 0; COLOUR_RED = 1; COLOUR_DARK_BLUE = 2; }
message Inner { int64 amount_msats = 1; }
message Everything {
  string text = 1; bool flag = 2; int32 small = 3; uint32 count = 4; int64 big = 5; uint64 huge = 6;
  double ratio = 7; bytes blob = 8; Colour colour = 9; Inner inner = 10; google.protobuf.Timestamp at = 11;
  google.protobuf.Struct facts = 12; repeated Inner inners = 13; map<string, Colour> colours = 14;
  repeated int64 amounts = 15;
  optional string maybe_text = 16; optional int64 maybe_big = 17; optional Inner maybe_inner = 18;
  optional Colour maybe_colour = 19; optional google.protobuf.Timestamp maybe_at = 20;
  oneof either { string left = 21; Inner right = 22; }
  Everything2 more = 23;
}
message Everything2 { optional Everything2 deeper = 1; bool flag = 2; }
`).message("Everything");

const messages: DescMessage[] = [everyType];
for (const { service } of allContracts)
  for (const { input, output } of service.methods) messages.push(input, output);

test("decoding what was encoded gives the same value, for every message", () => {
  for (const desc of messages) {
    if (desc.typeName === "google.api.HttpBody") continue;
    fc.assert(
      fc.property(plainValue(desc), (plain) => {
        const json: unknown = JSON.parse(encodeText(desc, plain));
        assert.deepEqual(decodeShape(desc, json), plain);
      }),
      { numRuns: desc === everyType ? 300 : 25 },
    );
  }
});

test("whatever JSON arrives, decoding answers a value or InvalidMessageError, and nothing else", () => {
  const garbage = fc.oneof(
    fc.jsonValue(),
    fc.record(Object.fromEntries(everyType.fields.map(({ name }) => [name, fc.jsonValue()])), {
      requiredKeys: [],
    }),
  );
  fc.assert(
    fc.property(garbage, (json) => {
      for (const read of [decode, decodeShape]) {
        try {
          const plain = read(everyType, json);
          assert.deepEqual(decodeShape(everyType, JSON.parse(encodeText(everyType, plain))), plain);
        } catch (error) {
          if (!(error instanceof InvalidMessageError)) throw error;
          assert.ok(error.fieldErrors.length > 0);
        }
      }
    }),
    { numRuns: 500 },
  );
});

const run: Run = {
  runId: "run_1",
  org: "org_a",
  createdBy: "",
  status: "created",
  metadata: {},
  latestSeq: 0n,
  trajectoryHash: "",
  createdAt: 0,
  updatedAt: 1_771_675_200_007,
};

test("set fields and zeros are present on the wire, unset ones absent, in the order of the contract", () => {
  assert.equal(
    encodeText(runDesc, run),
    '{"run_id":"run_1","org":"org_a","created_by":"","status":"created","metadata":{},"latest_seq":0,' +
      '"trajectory_hash":"","created_at":"1970-01-01T00:00:00.000Z","updated_at":"2026-02-21T12:00:00.007Z"}',
  );
});

test("an absent optional member and an undefined one are the same", () => {
  assert.equal(encodeText(runDesc, { ...run, issue: undefined }), encodeText(runDesc, run));
});

test("integers cross up to 2^53−1 and not beyond, both ways", () => {
  const edge = BigInt(Number.MAX_SAFE_INTEGER);
  assert.equal(encode(runDesc, { ...run, latestSeq: edge })["latest_seq"], Number.MAX_SAFE_INTEGER);
  for (const latestSeq of [edge + 1n, -edge - 1n]) {
    refused(() => encode(runDesc, { ...run, latestSeq }), "latest_seq", "out_of_range");
  }
  const event = { event_type: "a", payload: {}, payload_hash: "", recorded_at: "2026-01-01T00:00:00Z" };
  assert.equal(decodeShape(runEventDesc, { ...event, seq: Number.MAX_SAFE_INTEGER }).seq, edge);
  // As JSON.parse reads 9007199254740993: rounded, and refused all the same.
  const rounded: unknown = JSON.parse('{"seq":9007199254740993}');
  refused(() => decodeShape(runEventDesc, Object.assign({}, event, rounded)), "seq", "out_of_range");
  refused(() => decodeShape(runEventDesc, { ...event, seq: 1.5 }), "seq", "wrong_type");
  refused(() => decodeShape(runEventDesc, { ...event, seq: "1" }), "seq", "wrong_type");
});

test("text with U+0000 or half a surrogate pair crosses in neither direction, keys of structs included", () => {
  for (const bad of ["a\0b", "\ud800", "x\udfffy"]) {
    refused(() => encode(runDesc, { ...run, org: bad }), "org", "invalid_text");
    refused(
      () => encode(runDesc, { ...run, metadata: { a: [{ b: bad }] } }),
      "metadata.a[0].b",
      "invalid_text",
    );
    refused(() => encode(runDesc, { ...run, metadata: { [bad]: 1 } }), `metadata.${bad}`, "invalid_text");
    refused(() => decode(grantDemoCreditRequestDesc, { amount_msats: 1, memo: bad }), "memo", "invalid_text");
  }
});

test("a struct is nested at most 32 levels deep", () => {
  const nested = (levels: number): unknown => (levels === 0 ? 1 : { a: nested(levels - 1) });
  const event = { seq: 1, event_type: "a", payload_hash: "", recorded_at: "2026-01-01T00:00:00Z" };
  assert.ok(decodeShape(runEventDesc, { ...event, payload: nested(32) }));
  assert.throws(() => decodeShape(runEventDesc, { ...event, payload: nested(33) }), InvalidMessageError);
});

test("a struct holds no number that parsing has already changed", () => {
  const event = { seq: 1, event_type: "a", payload_hash: "", recorded_at: "2026-01-01T00:00:00Z" };
  for (const number of ["9007199254740993", "1e400", "-1e17"]) {
    const payload: unknown = JSON.parse(`{"n":${number}}`);
    refused(() => decodeShape(runEventDesc, { ...event, payload }), "payload.n", "out_of_range");
  }
});

test("null is no value of any field", () => {
  refused(() => decode(listRunsRequestDesc, { limit: null }), "limit", "wrong_type");
  refused(() => decodeShape(listRunsRequestDesc, { limit: null }), "limit", "wrong_type");
});

test("an answer with fields that this build does not know is read; a request with them is refused", () => {
  assert.deepEqual(decodeShape(listRunsRequestDesc, { limit: 3, colour: "red" }), { limit: 3 });
  refused(() => decode(listRunsRequestDesc, { limit: 3, colour: "red" }), "colour", "unknown_field");
});

test("members that a value inherits are not its fields", () => {
  const inherited: unknown = Object.create({ limit: 3 });
  assert.deepEqual(decodeShape(listRunsRequestDesc, inherited), {});
});

function refused(action: () => unknown, field: string, code: string): void {
  assert.throws(action, (error) => {
    assert.ok(error instanceof InvalidMessageError, String(error));
    assert.deepEqual(
      error.fieldErrors.map((fieldError) => [fieldError.field, fieldError.code]),
      [[field, code]],
    );
    return true;
  });
}
