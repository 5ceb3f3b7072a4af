// Reads BSATN strictly: nothing outside of the bytes, no count that the rest of
// them cannot hold, no text that is not UTF-8. So a hostile frame costs no more
// memory than it has itself.

import { BsatnError } from "./bsatn-error.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export class Reader {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get offset(): number {
    return this.at;
  }

  get remaining(): number {
    return this.bytes.length - this.at;
  }

  u8(): number {
    return this.view.getUint8(this.take(1));
  }

  u16(): number {
    return this.view.getUint16(this.take(2), true);
  }

  u32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  u64(): bigint {
    return this.view.getBigUint64(this.take(8), true);
  }

  /** An unsigned number of `bytes` bytes. */
  wide(bytes: 16 | 32): bigint {
    let value = 0n;
    for (let done = 0; done < bytes; done += 8) value |= this.u64() << BigInt(done * 8);
    return value;
  }

  f32(): number {
    return this.view.getFloat32(this.take(4), true);
  }

  f64(): number {
    return this.view.getFloat64(this.take(8), true);
  }

  text(): string {
    const bytes = this.counted();
    try {
      return decoder.decode(bytes);
    } catch {
      throw new BsatnError("a text is not UTF-8");
    }
  }

  /** Bytes behind their count, as a view into what is read. */
  counted(): Uint8Array {
    const length = this.count(1);
    const start = this.take(length);
    return this.bytes.subarray(start, start + length);
  }

  /** How many elements follow, each of `bytesMin` bytes or more. */
  count(bytesMin: number): number {
    const count = this.u32();
    if (count * bytesMin > this.remaining) {
      throw new BsatnError(`${count} elements are announced and ${this.remaining} bytes are left`);
    }
    return count;
  }

  private take(length: number): number {
    const start = this.at;
    if (length > this.bytes.length - start) {
      throw new BsatnError(`${length} bytes are wanted and ${this.remaining} are left`);
    }
    this.at = start + length;
    return start;
  }
}
