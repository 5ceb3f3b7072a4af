// The shapes that BSATN knows, as data: what a codec reads and writes, and what a
// module's schema says of its tables.

export type AlgebraicType =
  | { readonly kind: Primitive }
  | { readonly kind: "array"; readonly element: AlgebraicType }
  | { readonly kind: "product"; readonly elements: readonly NamedType[] }
  | { readonly kind: "sum"; readonly variants: readonly NamedType[] };

export type NamedType = { readonly name: string; readonly type: AlgebraicType };

export type Primitive = "bool" | "string" | `${"i" | "u"}${8 | 16 | 32 | 64 | 128 | 256}` | "f32" | "f64";

const BYTES: Readonly<Record<Primitive, number>> = {
  bool: 1,
  string: 4,
  i8: 1,
  u8: 1,
  i16: 2,
  u16: 2,
  i32: 4,
  u32: 4,
  i64: 8,
  u64: 8,
  i128: 16,
  u128: 16,
  i256: 32,
  u256: 32,
  f32: 4,
  f64: 8,
};

/** The fewest bytes that a value of a type takes. */
export function bytesMinOf(type: AlgebraicType): number {
  switch (type.kind) {
    case "array":
      return 4;
    case "product":
      return type.elements.reduce((sum, element) => sum + bytesMinOf(element.type), 0);
    case "sum":
      return 1 + Math.min(...type.variants.map((variant) => bytesMinOf(variant.type)));
    default:
      return BYTES[type.kind];
  }
}
