// What the tests use of SpacetimeDB's own library. Its declarations cannot be read
// by Node's way of resolving modules, so these few stand in for them.

import * as library from "spacetimedb";

export type OfficialType = { readonly tag: string; readonly value?: unknown };

type Named = { readonly name: string; readonly algebraicType: OfficialType };

type Writer = { getBuffer(): Uint8Array };

type Library = {
  readonly AlgebraicType: {
    Array(element: OfficialType): OfficialType;
    Product(of: { readonly elements: readonly Named[] }): OfficialType;
    Sum(of: { readonly variants: readonly Named[] }): OfficialType;
    makeSerializer(type: OfficialType): (writer: Writer, value: unknown) => void;
    makeDeserializer(type: OfficialType): (reader: object) => unknown;
  };
  readonly BinaryReader: new (bytes: Uint8Array) => object;
  readonly BinaryWriter: new (capacity: number) => Writer;
};

export const official = library as unknown as Library;
