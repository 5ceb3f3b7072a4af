// Writes values in BSATN, SpacetimeDB's binary form: little-endian, without
// padding, lengths as u32. Grows one buffer; what it answers is a copy.

import { BsatnError } from "./bsatn-error.ts";

const CAPACITY = 256;

/** Below this a loop over ASCII beats the call into the encoder. */
const SHORT_TEXT = 48;

const U32_MAX = 0xffff_ffff;

const encoder = new TextEncoder();

export class Writer {
  private bytes = new Uint8Array(CAPACITY);
  private view = new DataView(this.bytes.buffer);
  private end = 0;

  get length(): number {
    return this.end;
  }

  /** What was written, as a copy of its own; the writer is empty again. */
  finish(): Uint8Array<ArrayBuffer> {
    const copy = this.bytes.slice(0, this.end);
    this.end = 0;
    return copy;
  }

  u8(value: number): void {
    this.reserve(1);
    this.view.setUint8(this.end, value);
    this.end += 1;
  }

  u16(value: number): void {
    this.reserve(2);
    this.view.setUint16(this.end, value, true);
    this.end += 2;
  }

  u32(value: number): void {
    this.reserve(4);
    this.view.setUint32(this.end, value, true);
    this.end += 4;
  }

  /** The low 64 bits; the same for a signed and an unsigned number. */
  u64(value: bigint): void {
    this.reserve(8);
    this.view.setBigUint64(this.end, BigInt.asUintN(64, value), true);
    this.end += 8;
  }

  /** A number of `bytes` bytes, in two's complement where it is negative. */
  wide(value: bigint, bytes: 16 | 32): void {
    for (let done = 0; done < bytes; done += 8) this.u64(value >> BigInt(done * 8));
  }

  f32(value: number): void {
    this.reserve(4);
    this.view.setFloat32(this.end, value, true);
    this.end += 4;
  }

  f64(value: number): void {
    this.reserve(8);
    this.view.setFloat64(this.end, value, true);
    this.end += 8;
  }

  text(value: string): void {
    // A UTF-16 unit takes three bytes of UTF-8 at most.
    this.reserve(4 + value.length * 3);
    const start = this.end + 4;
    const written = value.length <= SHORT_TEXT ? this.ascii(value, start) : -1;
    const length = written >= 0 ? written : encoder.encodeInto(value, this.bytes.subarray(start)).written;
    this.view.setUint32(this.end, length, true);
    this.end = start + length;
  }

  /** Bytes behind their count. */
  counted(value: Uint8Array): void {
    this.count(value.length);
    this.raw(value);
  }

  /** Bytes as they are. */
  raw(value: Uint8Array): void {
    this.reserve(value.length);
    this.bytes.set(value, this.end);
    this.end += value.length;
  }

  /** How many elements follow. */
  count(value: number): void {
    if (value > U32_MAX) throw new BsatnError(`${value} elements do not fit in an array`);
    this.u32(value);
  }

  /** The count of what is ASCII only, -1 for anything else. */
  private ascii(value: string, start: number): number {
    for (let index = 0; index < value.length; index++) {
      const code = value.charCodeAt(index);
      if (code > 0x7f) return -1;
      this.bytes[start + index] = code;
    }
    return value.length;
  }

  private reserve(more: number): void {
    const needed = this.end + more;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.end));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }
}
