export type { AlgebraicType, NamedType, Primitive } from "./algebraic-type.ts";
export { BsatnError } from "./bsatn-error.ts";
export {
  array,
  bool,
  bytes,
  decodeBsatn,
  encodeBsatn,
  f32,
  f64,
  i128,
  i16,
  i256,
  i32,
  i64,
  i8,
  option,
  product,
  string,
  sum,
  u128,
  u16,
  u256,
  u32,
  u64,
  u8,
  unit,
  type Codec,
  type Infer,
} from "./codec.ts";
export { Reader } from "./reader.ts";
export { Writer } from "./writer.ts";
