// Reading a bundle's archive as data: the files that its central directory names
// (APPNOTE 6.3.10), as they are or deflated. Anything that could be read in two
// ways, such as an encrypted or a split archive, is a problem and not a guess.

import { crc32, inflateRawSync } from "node:zlib";
import { BYTES_MAX, FILES_MAX } from "./layout.ts";

const END = 0x06054b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
const END_BYTES = 22;
const ENTRY_BYTES = 46;
const LOCAL_BYTES = 30;
/** A comment at the end of an archive is two bytes of length at most. */
const COMMENT_BYTES_MAX = 0xffff;

export type ArchivedFile = { readonly path: string; readonly bytes: Buffer };

/** Whether the bytes begin as an archive does that holds a file. */
export function looksLikeArchive(bytes: Buffer): boolean {
  return bytes.length >= END_BYTES && bytes.readUInt32LE(0) === LOCAL;
}

/** Throws where the archive is not one, is not whole, or is larger than a bundle may be. */
export function readArchive(archive: Buffer): readonly ArchivedFile[] {
  const end = findEnd(archive);
  const count = archive.readUInt16LE(end + 10);
  if (archive.readUInt16LE(end + 4) !== 0 || archive.readUInt16LE(end + 8) !== count)
    throw new Error("the archive is split");
  if (count > FILES_MAX) throw new Error(`the archive holds more than ${FILES_MAX} files`);
  const files: ArchivedFile[] = [];
  let room = BYTES_MAX;
  let at = archive.readUInt32LE(end + 16);
  for (let place = 0; place < count; place += 1) {
    if (at + ENTRY_BYTES > end || archive.readUInt32LE(at) !== ENTRY)
      throw new Error("the archive's directory is broken");
    const nameBytes = archive.readUInt16LE(at + 28);
    const path = archive.toString("utf8", at + ENTRY_BYTES, at + ENTRY_BYTES + nameBytes);
    // A folder of its own, which some archivers put before its files.
    if (!path.endsWith("/")) {
      const bytes = readEntry(archive, at, path, room);
      room -= bytes.length;
      files.push({ path, bytes });
    }
    at += ENTRY_BYTES + nameBytes + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
  return files;
}

function findEnd(archive: Buffer): number {
  const first = Math.max(0, archive.length - END_BYTES - COMMENT_BYTES_MAX);
  for (let at = archive.length - END_BYTES; at >= first; at -= 1)
    if (archive.readUInt32LE(at) === END && at + END_BYTES + archive.readUInt16LE(at + 20) === archive.length)
      return at;
  throw new Error("the archive has no end");
}

function readEntry(archive: Buffer, at: number, path: string, room: number): Buffer {
  const flags = archive.readUInt16LE(at + 8);
  const method = archive.readUInt16LE(at + 10);
  const packedBytes = archive.readUInt32LE(at + 20);
  const size = archive.readUInt32LE(at + 24);
  const local = archive.readUInt32LE(at + 42);
  if ((flags & 1) !== 0) throw new Error(`${path} is encrypted`);
  if (size > room) throw new Error(`the bundle is larger than ${BYTES_MAX} bytes`);
  if (local + LOCAL_BYTES > at || archive.readUInt32LE(local) !== LOCAL)
    throw new Error(`${path} is not where the directory says`);
  const begin = local + LOCAL_BYTES + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
  if (begin + packedBytes > archive.length) throw new Error(`${path} is cut`);
  const packed = archive.subarray(begin, begin + packedBytes);
  const bytes = unpack(packed, method, size, path);
  if (bytes.length !== size || crc32(bytes) !== archive.readUInt32LE(at + 16))
    throw new Error(`${path} is not what the directory says`);
  return bytes;
}

function unpack(packed: Buffer, method: number, size: number, path: string): Buffer {
  if (method === 0) return packed;
  // One byte more than is told, so that a longer one is told from it.
  if (method === 8) return inflateRawSync(packed, { maxOutputLength: size + 1 });
  throw new Error(`${path} is packed in a way that is not read here`);
}
