// The rules of `buf.validate`, as JSON Schema keywords. A rule that has no
// keyword is an error at start: a rule that is silently not enforced is worse
// than none.

import {
  getOption,
  hasOption,
  isFieldSet,
  type DescField,
  type DescMessage,
  type DescOneof,
  type Message,
} from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { enumWireName } from "./enum-names.ts";
import {
  BoolRulesSchema,
  DoubleRulesSchema,
  EnumRulesSchema,
  FieldRulesSchema,
  Int32RulesSchema,
  Int64RulesSchema,
  MapRulesSchema,
  RepeatedRulesSchema,
  StringRulesSchema,
  UInt32RulesSchema,
  UInt64RulesSchema,
  field as fieldOption,
  message as messageOption,
  oneof as oneofOption,
  type FieldRules,
} from "./gen/buf/validate/validate_pb.ts";

/** A JSON Schema (draft 2020-12) as data. */
export type JsonSchema = { [keyword: string]: unknown };

export type Rules = {
  /** Keywords to add to the field's own schema. */
  readonly keywords: JsonSchema;
  readonly items: JsonSchema;
  readonly keys: JsonSchema;
  readonly values: JsonSchema;
  /** The field must be given, and not be its zero value where absence cannot be told from it. */
  readonly required: boolean;
};

const NONE: Rules = { keywords: {}, items: {}, keys: {}, values: {}, required: false };

/** The rules of a field. Throws for one that JSON Schema cannot say, naming the field and the rule. */
export function rulesOf(field: DescField): Rules {
  if (!hasOption(field, fieldOption)) return NONE;
  return translate(getOption(field, fieldOption), field);
}

/** Throws when a message carries rules of its own; none of them has a keyword. */
export function assertNoMessageRules(desc: DescMessage): void {
  if (hasOption(desc, messageOption)) throw inexpressible(desc.typeName, "its message rules");
}

/** Whether one member of a oneof must be there: the only rule that a oneof can have. */
export function isOneofRequired(oneof: DescOneof): boolean {
  return hasOption(oneof, oneofOption) && getOption(oneof, oneofOption).required;
}

function translate(rules: FieldRules, field: DescField): Rules {
  const name = `${field.parent?.typeName ?? ""}.${field.name}`;
  assertOnly(FieldRulesSchema, rules, ["required", ...FIELD_KINDS], name);
  const required = rules.required;
  const { type } = rules;
  switch (type.case) {
    case undefined:
      return { ...NONE, required };
    case "string":
      assertOnly(
        StringRulesSchema,
        type.value,
        ["const", "len", "min_len", "max_len", "pattern", "in", "not_in"],
        name,
      );
      return { ...NONE, required, keywords: stringKeywords(type.value, name) };
    case "bool":
      assertOnly(BoolRulesSchema, type.value, ["const"], name);
      return {
        ...NONE,
        required,
        keywords: constOf(isFieldSet(type.value, BoolRulesSchema.field.const), type.value.const),
      };
    case "int32":
      assertOnly(Int32RulesSchema, type.value, NUMBER_RULES, name);
      return { ...NONE, required, keywords: numberKeywords(Int32RulesSchema, type.value, name) };
    case "uint32":
      assertOnly(UInt32RulesSchema, type.value, NUMBER_RULES, name);
      return { ...NONE, required, keywords: numberKeywords(UInt32RulesSchema, type.value, name) };
    case "int64":
      assertOnly(Int64RulesSchema, type.value, NUMBER_RULES, name);
      return { ...NONE, required, keywords: numberKeywords(Int64RulesSchema, type.value, name) };
    case "uint64":
      assertOnly(UInt64RulesSchema, type.value, NUMBER_RULES, name);
      return { ...NONE, required, keywords: numberKeywords(UInt64RulesSchema, type.value, name) };
    case "double":
      // JSON has no infinities, so `finite` holds by itself.
      assertOnly(DoubleRulesSchema, type.value, [...NUMBER_RULES, "finite"], name);
      return { ...NONE, required, keywords: numberKeywords(DoubleRulesSchema, type.value, name) };
    case "enum":
      assertOnly(EnumRulesSchema, type.value, ["const", "defined_only", "in", "not_in"], name);
      return { ...NONE, required, keywords: enumKeywords(type.value, field) };
    case "repeated":
      assertOnly(RepeatedRulesSchema, type.value, ["min_items", "max_items", "unique", "items"], name);
      return {
        ...NONE,
        required,
        keywords: {
          ...bound(
            "minItems",
            isFieldSet(type.value, RepeatedRulesSchema.field.minItems),
            type.value.minItems,
          ),
          ...bound(
            "maxItems",
            isFieldSet(type.value, RepeatedRulesSchema.field.maxItems),
            type.value.maxItems,
          ),
          ...(type.value.unique ? { uniqueItems: true } : {}),
        },
        items: elementKeywords(type.value.items, field),
      };
    case "map":
      assertOnly(MapRulesSchema, type.value, ["min_pairs", "max_pairs", "keys", "values"], name);
      return {
        ...NONE,
        required,
        keywords: {
          ...bound(
            "minProperties",
            isFieldSet(type.value, MapRulesSchema.field.minPairs),
            type.value.minPairs,
          ),
          ...bound(
            "maxProperties",
            isFieldSet(type.value, MapRulesSchema.field.maxPairs),
            type.value.maxPairs,
          ),
        },
        keys: elementKeywords(type.value.keys, field),
        values: elementKeywords(type.value.values, field),
      };
    default:
      throw inexpressible(name, `\`${type.case}\``);
  }
}

const FIELD_KINDS = [
  "string",
  "bool",
  "int32",
  "uint32",
  "int64",
  "uint64",
  "double",
  "enum",
  "repeated",
  "map",
];

const NUMBER_RULES = ["const", "gt", "gte", "lt", "lte", "in", "not_in"];

function elementKeywords(rules: FieldRules | undefined, field: DescField): JsonSchema {
  if (rules === undefined) return {};
  const element = translate(rules, field);
  if (element.required) throw inexpressible(field.toString(), "`required` of an element");
  return element.keywords;
}

type StringRules = Extract<FieldRules["type"], { case: "string" }>["value"];

/** Lengths count code points in JSON Schema and in protovalidate alike. */
function stringKeywords(rules: StringRules, name: string): JsonSchema {
  const { field } = StringRulesSchema;
  if (rules.pattern !== "") assertPattern(rules.pattern, name);
  const length = isFieldSet(rules, field.len)
    ? { minLength: Number(rules.len), maxLength: Number(rules.len) }
    : {};
  return {
    ...length,
    ...bound("minLength", isFieldSet(rules, field.minLen), rules.minLen),
    ...bound("maxLength", isFieldSet(rules, field.maxLen), rules.maxLen),
    ...(rules.pattern === "" ? {} : { pattern: rules.pattern }),
    ...constOf(isFieldSet(rules, field.const), rules.const),
    ...(rules.in.length === 0 ? {} : { enum: rules.in }),
    ...(rules.notIn.length === 0 ? {} : { not: { enum: rules.notIn } }),
  };
}

/** protovalidate's patterns are RE2; the ones we use mean the same to both engines. */
function assertPattern(pattern: string, name: string): void {
  try {
    RegExp(pattern, "u");
  } catch (error) {
    throw new Error(`${name}: the pattern ${pattern} is no ECMAScript pattern`, { cause: error });
  }
}

type NumberRules = Message & {
  readonly in: readonly (bigint | number)[];
  readonly notIn: readonly (bigint | number)[];
};

function numberKeywords(desc: DescMessage, rules: NumberRules, name: string): JsonSchema {
  const message = reflect(desc, rules);
  const value = (rule: string): number | undefined => {
    const field = desc.fields.find((candidate) => candidate.name === rule);
    return field === undefined || !message.isSet(field) ? undefined : Number(message.get(field));
  };
  const keywords: JsonSchema = {};
  for (const [rule, keyword] of BOUNDS) {
    const bounded = value(rule);
    if (bounded !== undefined) keywords[keyword] = bounded;
  }
  const lower = value("gte") ?? value("gt");
  const upper = value("lte") ?? value("lt");
  // protovalidate reads a lower bound above the upper one as "outside of".
  if (lower !== undefined && upper !== undefined && lower > upper)
    throw inexpressible(name, "an excluded range");
  const fixed = value("const");
  if (fixed !== undefined) keywords["const"] = fixed;
  if (rules.in.length > 0) keywords["enum"] = rules.in.map(Number);
  if (rules.notIn.length > 0) keywords["not"] = { enum: rules.notIn.map(Number) };
  return keywords;
}

const BOUNDS = [
  ["gt", "exclusiveMinimum"],
  ["gte", "minimum"],
  ["lt", "exclusiveMaximum"],
  ["lte", "maximum"],
] as const;

type EnumRules = Extract<FieldRules["type"], { case: "enum" }>["value"];

function enumKeywords(rules: EnumRules, field: DescField): JsonSchema {
  const desc = field.enum;
  if (desc === undefined) throw inexpressible(field.toString(), "enum rules on what is no enum");
  const words = (numbers: readonly number[]) =>
    numbers.flatMap((number) => {
      const value = desc.value[number];
      return value === undefined || number === 0 ? [] : [enumWireName(desc, value)];
    });
  const constant = isFieldSet(rules, EnumRulesSchema.field.const) ? words([rules.const]) : undefined;
  const refused = words(rules.notIn);
  return {
    ...(constant === undefined ? {} : { enum: constant }),
    ...(rules.in.length === 0 ? {} : { enum: words(rules.in) }),
    ...(refused.length === 0 ? {} : { not: { enum: refused } }),
  };
}

function bound(keyword: string, set: boolean, value: bigint): JsonSchema {
  return set ? { [keyword]: Number(value) } : {};
}

function constOf(set: boolean, value: unknown): JsonSchema {
  return set ? { const: value } : {};
}

/** Throws when a rules message sets anything but the fields that are translated. */
function assertOnly(desc: DescMessage, rules: Message, known: readonly string[], name: string): void {
  for (const field of desc.fields) {
    if (isFieldSet(rules, field) && !known.includes(field.name))
      throw inexpressible(name, `\`${field.name}\``);
  }
  // An extension (a predefined rule) that this build does not know.
  if (rules.$unknown !== undefined && rules.$unknown.length > 0)
    throw inexpressible(name, "a predefined rule");
}

function inexpressible(name: string, what: string): Error {
  return new Error(
    `${name}: ${what} of buf.validate cannot be turned into JSON Schema; use another rule, or check it in the command`,
  );
}
