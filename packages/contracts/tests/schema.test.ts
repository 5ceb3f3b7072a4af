import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidMessageError, decode, messageSchema } from "../src/index.ts";
import { compileProto } from "./compile-proto.ts";

const RULES = compileProto(`
enum Size { SIZE_UNSPECIFIED = 0; SIZE_SMALL = 1; SIZE_LARGE = 2; SIZE_HUGE = 3; }
message Inner { string name = 1 [(buf.validate.field).string.min_len = 1]; }

message MinLen { string v = 1 [(buf.validate.field).string.min_len = 2]; }
message MaxLen { string v = 1 [(buf.validate.field).string.max_len = 2]; }
message Len { string v = 1 [(buf.validate.field).string.len = 2]; }
message Pattern { string v = 1 [(buf.validate.field).string.pattern = "^[a-z]{2}$"]; }
message StringIn { string v = 1 [(buf.validate.field).string = {in: ["a", "b"]}]; }
message StringNotIn { string v = 1 [(buf.validate.field).string = {not_in: ["a", "b"]}]; }
message StringConst { string v = 1 [(buf.validate.field).string.const = "a"]; }
message StringRequired { string v = 1 [(buf.validate.field).required = true]; }
message IntGte { int64 v = 1 [(buf.validate.field).int64.gte = 2]; }
message IntGt { int64 v = 1 [(buf.validate.field).int64.gt = 2]; }
message IntLte { int32 v = 1 [(buf.validate.field).int32.lte = 2]; }
message IntLt { uint32 v = 1 [(buf.validate.field).uint32.lt = 2]; }
message IntIn { int32 v = 1 [(buf.validate.field).int32 = {in: [0, 5]}]; }
message IntNotIn { int32 v = 1 [(buf.validate.field).int32 = {not_in: [5]}]; }
message IntConst { uint64 v = 1 [(buf.validate.field).uint64.const = 7]; }
message IntRequired { int64 v = 1 [(buf.validate.field).required = true]; }
message Int32Range { int32 v = 1; }
message Uint64Range { uint64 v = 1; }
message DoubleRange { double v = 1 [(buf.validate.field).double = {gte: 0.5 lt: 1 finite: true}]; }
message BoolConst { bool v = 1 [(buf.validate.field).bool.const = true]; }
message EnumAny { Size v = 1 [(buf.validate.field).enum.defined_only = true]; }
message EnumIn { Size v = 1 [(buf.validate.field).enum = {in: [1, 2]}]; }
message EnumNotIn { Size v = 1 [(buf.validate.field).enum = {not_in: [0, 2]}]; }
message EnumOptional { optional Size v = 1; }
message Items {
  repeated string v = 1 [(buf.validate.field).repeated = {min_items: 1 max_items: 2 unique: true items: {string: {max_len: 2}}}];
}
message ItemsOfEnum { repeated Size v = 1 [(buf.validate.field).repeated.items.enum.not_in = 3]; }
message Pairs {
  map<string, int32> v = 1 [(buf.validate.field).map = {
    min_pairs: 1 max_pairs: 2 keys: {string: {pattern: "^[a-z]$"}} values: {int32: {gte: 0}}
  }];
}
message Message { Inner v = 1; }
message MessageOptional { optional Inner v = 1; }
message MessageOptionalRequired { optional Inner v = 1 [(buf.validate.field).required = true]; }
message OptionalPattern { optional string v = 1 [(buf.validate.field).string.pattern = "^a$"]; }
message StructDefault { google.protobuf.Struct v = 1; }
message Time { google.protobuf.Timestamp v = 1; }
message Bytes { bytes v = 1; }
message Either { oneof v { string a = 1; string b = 2; string c = 3; } }
message OneOf { oneof v { option (buf.validate.oneof).required = true; string a = 1; string b = 2; } }
`);

type Row = readonly [
  message: string,
  accepted: readonly unknown[],
  refused: readonly (readonly [unknown, string])[],
];

/** Values of the field `v`; `undefined` leaves it out. */
const TABLE: readonly Row[] = [
  [
    "MinLen",
    ["ab", "🂡🂡"],
    [
      [undefined, "required"],
      ["a", "too_short"],
      ["🂡", "too_short"],
      [1, "wrong_type"],
    ],
  ],
  [
    "MaxLen",
    [undefined, "", "ab", "🂡🂡"],
    [
      ["abc", "too_long"],
      ["🂡🂡🂡", "too_long"],
    ],
  ],
  [
    "Len",
    ["ab"],
    [
      ["a", "too_short"],
      ["abc", "too_long"],
    ],
  ],
  [
    "Pattern",
    ["ab"],
    [
      [undefined, "required"],
      ["ab\n", "wrong_format"],
      ["Ab", "wrong_format"],
      ["", "wrong_format"],
    ],
  ],
  [
    "StringIn",
    ["a", "b"],
    [
      [undefined, "required"],
      ["c", "not_allowed"],
      ["", "not_allowed"],
    ],
  ],
  ["StringNotIn", [undefined, "", "c"], [["a", "not_allowed"]]],
  [
    "StringConst",
    ["a"],
    [
      [undefined, "required"],
      ["b", "not_allowed"],
    ],
  ],
  [
    "StringRequired",
    ["a"],
    [
      [undefined, "required"],
      ["", "too_short"],
    ],
  ],
  [
    "IntGte",
    [2, 3],
    [
      [undefined, "required"],
      [1, "out_of_range"],
      [2.5, "wrong_type"],
      ["2", "wrong_type"],
    ],
  ],
  [
    "IntGt",
    [3],
    [
      [undefined, "required"],
      [2, "out_of_range"],
    ],
  ],
  ["IntLte", [undefined, 2, -5], [[3, "out_of_range"]]],
  [
    "IntLt",
    [undefined, 0, 1],
    [
      [2, "out_of_range"],
      [-1, "out_of_range"],
    ],
  ],
  ["IntIn", [undefined, 0, 5], [[1, "not_allowed"]]],
  ["IntNotIn", [undefined, 4], [[5, "not_allowed"]]],
  [
    "IntConst",
    [7],
    [
      [undefined, "required"],
      [6, "not_allowed"],
    ],
  ],
  [
    "IntRequired",
    [1, -1],
    [
      [undefined, "required"],
      [0, "not_allowed"],
    ],
  ],
  [
    "Int32Range",
    [2147483647, -2147483648],
    [
      [2147483648, "out_of_range"],
      [-2147483649, "out_of_range"],
    ],
  ],
  [
    "Uint64Range",
    [0, Number.MAX_SAFE_INTEGER],
    [
      [-1, "out_of_range"],
      [2 ** 53, "out_of_range"],
    ],
  ],
  [
    "DoubleRange",
    [0.5, 0.999],
    [
      [undefined, "required"],
      [0.4, "out_of_range"],
      [1, "out_of_range"],
    ],
  ],
  [
    "BoolConst",
    [true],
    [
      [undefined, "required"],
      [false, "not_allowed"],
      ["true", "wrong_type"],
    ],
  ],
  [
    "EnumAny",
    ["small", "huge"],
    [
      [undefined, "required"],
      ["unspecified", "not_allowed"],
      ["SIZE_SMALL", "not_allowed"],
      [1, "wrong_type"],
    ],
  ],
  ["EnumIn", ["small", "large"], [["huge", "not_allowed"]]],
  ["EnumNotIn", ["small", "huge"], [["large", "not_allowed"]]],
  ["EnumOptional", [undefined, "small"], [["", "not_allowed"]]],
  [
    "Items",
    [["ab"], ["a", "b"]],
    [
      [undefined, "required"],
      [[], "too_few"],
      [["a", "b", "c"], "too_many"],
      [["a", "a"], "not_unique"],
      [["abc"], "too_long"],
    ],
  ],
  ["ItemsOfEnum", [undefined, [], ["small", "large"]], [[["huge"], "not_allowed"]]],
  [
    "Pairs",
    [{ a: 0 }, { a: 1, b: 2 }],
    [
      [undefined, "required"],
      [{}, "too_few"],
      [{ a: 1, b: 1, c: 1 }, "too_many"],
      [{ A: 1 }, "wrong_format"],
      [{ a: -1 }, "out_of_range"],
    ],
  ],
  [
    "Message",
    [{ name: "x" }],
    [
      [undefined, "required"],
      [{}, "required"],
      [{ name: "" }, "too_short"],
      [{ name: "x", nam: 1 }, "unknown_field"],
    ],
  ],
  [
    "MessageOptional",
    [undefined, { name: "x" }],
    [
      [{}, "required"],
      [null, "wrong_type"],
    ],
  ],
  ["MessageOptionalRequired", [{ name: "x" }], [[undefined, "required"]]],
  [
    "OptionalPattern",
    [undefined, "a"],
    [
      ["", "wrong_format"],
      ["b", "wrong_format"],
    ],
  ],
  [
    "StructDefault",
    [undefined, {}, { a: [1] }],
    [
      [[], "wrong_type"],
      ["{}", "wrong_type"],
    ],
  ],
  [
    "Time",
    ["2026-02-21T12:00:00Z", "2026-02-21T12:00:00.123456789Z"],
    [
      [undefined, "required"],
      ["2026-02-21T12:00:00+00:00", "wrong_format"],
      ["2026-02-30T12:00:00Z", "wrong_format"],
      [0, "wrong_type"],
    ],
  ],
  [
    "Bytes",
    [undefined, "", "YWI="],
    [
      ["YWI", "wrong_format"],
      ["YW_=", "wrong_format"],
    ],
  ],
];

for (const [name, accepted, refused] of TABLE) {
  test(`rules of ${name} hold`, () => {
    const desc = RULES.message(name);
    const request = (v: unknown) => (v === undefined ? {} : { v });
    for (const v of accepted) assert.doesNotThrow(() => decode(desc, request(v)), JSON.stringify(v));
    for (const [v, code] of refused) {
      const codes = errorsOf(() => decode(desc, request(v))).map((error) => error.code);
      assert.ok(codes.includes(code), `${JSON.stringify(v)}: ${codes.join()} instead of ${code}`);
    }
  });
}

test("a oneof takes one member and not two", () => {
  const desc = RULES.message("Either");
  for (const json of [{}, { a: "" }, { c: "x" }]) assert.doesNotThrow(() => decode(desc, json));
  for (const json of [
    { a: "", b: "" },
    { b: "", c: "" },
  ])
    assert.equal(errorsOf(() => decode(desc, json))[0]?.code, "not_allowed");
});

test("a required oneof takes exactly one member", () => {
  const desc = RULES.message("OneOf");
  for (const json of [{ a: "" }, { b: "x" }]) assert.doesNotThrow(() => decode(desc, json));
  for (const json of [{}, { a: "", b: "" }]) assert.throws(() => decode(desc, json), InvalidMessageError);
});

test("several wrong fields are reported together, by the paths of the wire", () => {
  const errors = errorsOf(() => decode(RULES.message("Message"), { v: { name: "", x: 1 }, y: 2 }));
  assert.deepEqual(errors.map(({ field, code }) => `${field} ${code}`).sort(), [
    "v.name too_short",
    "v.x unknown_field",
    "y unknown_field",
  ]);
});

test("a hostile body buys a short list of errors", () => {
  const list = errorsOf(() =>
    decode(RULES.message("ItemsOfEnum"), { v: Array.from({ length: 900 }, () => "x") }),
  );
  assert.equal(list.length, 20);
  const long = errorsOf(() =>
    decode(RULES.message("ItemsOfEnum"), { v: Array.from({ length: 100_000 }, () => "x") }),
  );
  assert.equal(long.length, 1);
});

const INEXPRESSIBLE: readonly (readonly [rule: string, field: string])[] = [
  ["cel", `string v = 1 [(buf.validate.field).cel = {id: "x" expression: "this != ''" message: "m"}];`],
  ["email", `string v = 1 [(buf.validate.field).string.email = true];`],
  ["max_bytes", `string v = 1 [(buf.validate.field).string.max_bytes = 3];`],
  ["prefix", `string v = 1 [(buf.validate.field).string.prefix = "a"];`],
  [
    "ignore",
    `string v = 1 [(buf.validate.field).ignore = IGNORE_IF_ZERO_VALUE, (buf.validate.field).string.min_len = 1];`,
  ],
  ["timestamp", `google.protobuf.Timestamp v = 1 [(buf.validate.field).timestamp.lt_now = true];`],
  ["an excluded range", `int32 v = 1 [(buf.validate.field).int32 = {gt: 5 lt: 1}];`],
  ["pattern (?i)", `string v = 1 [(buf.validate.field).string.pattern = "(?U)a"];`],
];

test("a rule that JSON Schema cannot say is refused, naming the field", () => {
  const declarations = INEXPRESSIBLE.map(([, field], index) => `message Bad${index} { ${field} }`);
  const messageRule = `message Cel { option (buf.validate.message).cel = {id: "x" expression: "true" message: "m"}; string v = 1; }`;
  const bad = compileProto([...declarations, messageRule].join("\n"));
  for (const [index, [rule]] of INEXPRESSIBLE.entries()) {
    assert.throws(
      () => messageSchema(bad.message(`Bad${index}`), "request"),
      new RegExp(`test\\.v1\\.Bad${index}\\.v: `),
      rule,
    );
  }
  assert.throws(() => messageSchema(bad.message("Cel"), "request"), /test\.v1\.Cel/);
});

function errorsOf(action: () => unknown): InvalidMessageError["fieldErrors"] {
  try {
    action();
  } catch (error) {
    if (error instanceof InvalidMessageError) return error.fieldErrors;
    throw error;
  }
  assert.fail("accepted");
}
