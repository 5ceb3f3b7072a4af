// Archives as other programs make them, to be read and to be broken.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { crc32, deflateRawSync } from "node:zlib";

type Entry = { readonly path: string; readonly bytes: Buffer };

/** All files of a folder, as archives name them. */
export function entriesOf(dir: string): Entry[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path: path.slice(dir.length + 1), bytes: readFileSync(path) }));
}

/** An archive of these files, each deflated or as it is. */
export function archiveOf(entries: readonly Entry[], packed: "deflated" | "stored"): Buffer {
  const files: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { path, bytes } of entries) {
    const body = packed === "deflated" ? deflateRawSync(bytes) : bytes;
    const name = Buffer.from(path);
    const facts = Buffer.concat([
      words(2, 20, 0x0800, packed === "deflated" ? 8 : 0, 0, 0x21),
      words(4, crc32(bytes), body.length, bytes.length),
      words(2, name.length, 0),
    ]);
    const file = Buffer.concat([words(4, 0x04034b50), facts, name, body]);
    const place = Buffer.concat([words(2, 0, 0, 0), words(4, 0, offset), name]);
    directory.push(Buffer.concat([words(4, 0x02014b50), words(2, 20), facts, place]));
    files.push(file);
    offset += file.length;
  }
  const size = directory.reduce((sum, each) => sum + each.length, 0);
  const count = entries.length;
  const end = Buffer.concat([
    words(4, 0x06054b50),
    words(2, 0, 0, count, count),
    words(4, size, offset),
    words(2, 0),
  ]);
  return Buffer.concat([...files, ...directory, end]);
}

/** Little-endian. */
function words(bytes: 2 | 4, ...values: readonly number[]): Buffer {
  const written = Buffer.alloc(bytes * values.length);
  for (const [place, value] of values.entries()) written.writeUIntLE(value, place * bytes, bytes);
  return written;
}
