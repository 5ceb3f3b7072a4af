// A folder as a gzipped tar whose bytes follow from its names, kinds, run bits,
// links and contents alone: no times, owners, or order of the disk. So two clean
// installs of one lock file are one artifact.

import { once } from "node:events";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { createGzip } from "node:zlib";
import { AutopilotError } from "../autopilot-error.ts";
import { LAYER_BOUNDS, isPathBelow, type LayerBounds } from "./layer.ts";

export type PackRequest = {
  /** Names at the top that stay behind: what the installer notes for itself. */
  readonly without: readonly string[];
  /** Links for which this is false stay behind. */
  readonly keepsLink: (path: string, target: string) => boolean;
  readonly signal: AbortSignal;
  readonly bounds?: LayerBounds;
};

type Entry = { readonly path: string; readonly mode: number } & (
  | { readonly kind: "folder" }
  | { readonly kind: "link"; readonly target: string }
  | { readonly kind: "file"; readonly size: number }
);

const BLOCK = 512;
const NAME_BYTES = 100;
const TYPES = { file: "0", link: "2", folder: "5" } as const;

/** Throws `layer_too_large`, `layer_unsupported` for a name that cannot travel, or the signal's reason. */
export async function packFolder(folder: string, request: PackRequest): Promise<Buffer> {
  const { bounds = LAYER_BOUNDS } = request;
  const gzip = createGzip();
  const parts: Buffer[] = [];
  let bytes = 0;
  gzip.on("data", (part: Buffer) => {
    bytes += part.length;
    if (bytes <= bounds.packedBytesMax) parts.push(part);
  });
  const ended = once(gzip, "end");
  const write = async (part: Buffer) => {
    if (!gzip.write(part)) await once(gzip, "drain");
  };
  let entries = 0;
  let unpacked = 0;
  for await (const entry of walk(folder, "", request)) {
    request.signal.throwIfAborted();
    entries += 1;
    unpacked += entry.kind === "file" ? entry.size : 0;
    const isOver = entries > bounds.entriesMax || unpacked > bounds.unpackedBytesMax;
    if (isOver || bytes > bounds.packedBytesMax) refuse(bounds);
    const content = entry.kind === "file" ? await readFile(join(folder, entry.path)) : Buffer.alloc(0);
    await write(headerOf(entry, content.length));
    await write(paddedTo(content));
  }
  gzip.end(Buffer.alloc(2 * BLOCK));
  await ended;
  if (bytes > bounds.packedBytesMax) refuse(bounds);
  return Buffer.concat(parts);
}

async function* walk(folder: string, below: string, request: PackRequest): AsyncGenerator<Entry, void> {
  const names = (await readdir(join(folder, below))).filter(
    (name) => below !== "" || !request.without.includes(name),
  );
  for (const name of names.sort(byBytes)) {
    const path = below === "" ? name : `${below}/${name}`;
    if (!isPathBelow(path)) {
      throw new AutopilotError(
        "layer_unsupported",
        `A dependency has the file name ${JSON.stringify(path)}, which cannot be packed. Leave that dependency out.`,
      );
    }
    const found = await lstat(join(folder, path));
    if (found.isDirectory()) {
      yield { kind: "folder", path, mode: 0o755 };
      yield* walk(folder, path, request);
    } else if (found.isSymbolicLink()) {
      const target = await readlink(join(folder, path));
      if (request.keepsLink(path, target)) yield { kind: "link", path, mode: 0o777, target };
    } else if (found.isFile()) {
      yield { kind: "file", path, mode: (found.mode & 0o111) === 0 ? 0o644 : 0o755, size: found.size };
    }
  }
}

/** ustar, with GNU's extra entries for names that do not fit. */
function headerOf(entry: Entry, size: number): Buffer {
  const target = entry.kind === "link" ? entry.target : "";
  return Buffer.concat([
    ...longName("K", target),
    ...longName("L", entry.path),
    block(entry.path, TYPES[entry.kind], entry.mode, size, target),
  ]);
}

function longName(type: "K" | "L", name: string): Buffer[] {
  const bytes = Buffer.from(`${name}\0`);
  if (bytes.length <= NAME_BYTES) return [];
  return [block("././@LongLink", type, 0o644, bytes.length, ""), paddedTo(bytes)];
}

function block(path: string, type: string, mode: number, size: number, target: string): Buffer {
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, digits: number) =>
    header.write(value.toString(8).padStart(digits, "0"), at, "latin1");
  Buffer.from(path).copy(header, 0, 0, NAME_BYTES - 1);
  octal(mode, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(size, 124, 11);
  octal(0, 136, 11);
  header.write(type, 156, "latin1");
  Buffer.from(target).copy(header, 157, 0, NAME_BYTES - 1);
  header.write("ustar  \0", 257, "latin1");
  header.fill(" ", 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  octal(sum, 148, 6);
  header[154] = 0;
  return header;
}

function paddedTo(bytes: Buffer): Buffer {
  const rest = bytes.length % BLOCK;
  return rest === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(BLOCK - rest)]);
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function refuse({ packedBytesMax, unpackedBytesMax, entriesMax }: LayerBounds): never {
  throw new AutopilotError(
    "layer_too_large",
    `The dependencies are larger than a layer may be (${packedBytesMax} bytes packed, ${unpackedBytesMax} unpacked, ${entriesMax} entries). Leave out what the check does not need.`,
  );
}
