// Rows of one table as they travel: their bytes one behind another, and a hint
// that says where each begins.

import {
  BsatnError,
  array,
  bytes,
  decodeBsatn,
  product,
  sum,
  u16,
  u64,
  type Codec,
  type Infer,
} from "../bsatn/index.ts";

const rowSizeHint = sum({ FixedSize: u16, RowOffsets: array(u64) });

export const rowList = product({ sizeHint: rowSizeHint, rowsData: bytes });

export type RowList = Infer<typeof rowList>;

const FIXED_SIZE_MAX = 0xffff;

/** A list of rows that are encoded already. */
export function rowListOf(rows: readonly Uint8Array[]): RowList {
  const [first] = rows;
  const rowsData = concatBytes(rows);
  if (
    first !== undefined &&
    first.length <= FIXED_SIZE_MAX &&
    rows.every((row) => row.length === first.length)
  ) {
    return { sizeHint: { tag: "FixedSize", value: first.length }, rowsData };
  }
  const offsets: bigint[] = [];
  let offset = 0;
  for (const row of rows) {
    offsets.push(BigInt(offset));
    offset += row.length;
  }
  return { sizeHint: { tag: "RowOffsets", value: offsets }, rowsData };
}

/** The rows of a list. Throws `BsatnError` for bytes that are not whole rows or not where the hint says. */
export function readRows<T>(codec: Codec<T>, list: RowList): T[] {
  const starts = startsOf(list);
  const ends = [...starts.slice(1), list.rowsData.length];
  if ((starts[0] ?? list.rowsData.length) !== 0) throw new BsatnError("bytes lie before the first row");
  return starts.map((start, index) => {
    const end = ends[index] ?? start;
    if (start >= end || end > list.rowsData.length)
      throw new BsatnError("rows are not where their hint says");
    return decodeBsatn(codec, list.rowsData.subarray(start, end));
  });
}

function startsOf({ sizeHint, rowsData }: RowList): number[] {
  if (sizeHint.tag === "RowOffsets") return sizeHint.value.map(Number);
  const size = sizeHint.value;
  if (size === 0 || rowsData.length % size !== 0)
    throw new BsatnError("rows are not of the size of their hint");
  return Array.from({ length: rowsData.length / size }, (_, index) => index * size);
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let end = 0;
  for (const part of parts) {
    whole.set(part, end);
    end += part.length;
  }
  return whole;
}
