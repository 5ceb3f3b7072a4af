import { randomBytes } from "node:crypto";

/**
 * A new id: the prefix, `_`, and a UUIDv7 (RFC 9562) as 32 hex digits, so that
 * ids sort by the millisecond of their making.
 */
export function newId(prefix: string, nowMs: number): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(nowMs, 0, 6);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x70, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return `${prefix}_${bytes.toString("hex")}`;
}
