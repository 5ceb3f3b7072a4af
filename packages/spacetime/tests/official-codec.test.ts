// Our bytes beside those of SpacetimeDB's own library.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeBsatn, encodeBsatn, type AlgebraicType } from "@openagents/spacetime";
import { samples } from "./arbitrary.ts";
import { official, type OfficialType } from "./official.ts";

const { AlgebraicType: Official, BinaryReader, BinaryWriter } = official;

test("the official library writes the same bytes, and reads ours", () => {
  fc.assert(
    fc.property(samples, ({ codec, value }) => {
      const type = officialType(codec.type);
      const writer = new BinaryWriter(16);
      Official.makeSerializer(type)(writer, officialValue(codec.type, value));
      const theirs = new Uint8Array(writer.getBuffer());
      const ours = encodeBsatn(codec, value);
      assert.deepEqual(ours, theirs);
      assert.deepEqual(decodeBsatn(codec, theirs), value);
      const read = Official.makeDeserializer(type)(new BinaryReader(ours));
      assert.deepEqual(read, officialValue(codec.type, value));
    }),
  );
});

function officialType(type: AlgebraicType): OfficialType {
  switch (type.kind) {
    case "array":
      return Official.Array(officialType(type.element));
    case "product":
      return Official.Product({ elements: type.elements.map(officialNamed) });
    case "sum":
      return Official.Sum({ variants: type.variants.map(officialNamed) });
    default: {
      const tag = type.kind.charAt(0).toUpperCase() + type.kind.slice(1);
      return { tag };
    }
  }
}

function officialNamed({ name, type }: { readonly name: string; readonly type: AlgebraicType }) {
  return { name, algebraicType: officialType(type) };
}

/** An array of u8 is a Uint8Array there, as `bytes` is here; all else is the same. */
function officialValue(type: AlgebraicType, value: unknown): unknown {
  switch (type.kind) {
    case "array": {
      if (type.element.kind === "u8") return Uint8Array.from(value as number[]);
      return (value as unknown[]).map((element) => officialValue(type.element, element));
    }
    case "product": {
      const fields = value as Readonly<Record<string, unknown>>;
      return Object.fromEntries(
        type.elements.map(({ name, type: of }) => [name, officialValue(of, fields[name])]),
      );
    }
    case "sum": {
      const [first, second] = type.variants;
      if (first?.name === "some" && second?.name === "none") {
        return value === undefined ? undefined : officialValue(first.type, value);
      }
      const { tag, value: inner } = value as { readonly tag: string; readonly value: unknown };
      const variant = type.variants.find(({ name }) => name === tag);
      assert.ok(variant !== undefined);
      return { tag, value: officialValue(variant.type, inner) };
    }
    default:
      return value;
  }
}
