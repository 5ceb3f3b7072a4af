// The bytes of a leg's report artifact: the files of the report folder, in one.
//
// Deterministic, so that equal reports have equal hashes. Per file, in the order
// of names: a line of JSON with the name and its number of bytes, the bytes, and a newline.

const MAGIC = "openagents-report 1\n";
const FILES_MAX = 10_000;

/** Names are paths relative to the report folder. */
export function packReport(files: ReadonlyMap<string, Buffer>): Buffer {
  const pieces: Buffer[] = [Buffer.from(MAGIC)];
  for (const name of [...files.keys()].sort()) {
    const content = files.get(name) ?? Buffer.alloc(0);
    pieces.push(
      Buffer.from(`${JSON.stringify({ name, bytes: content.length })}\n`),
      content,
      Buffer.from("\n"),
    );
  }
  return Buffer.concat(pieces);
}

/** The files again; undefined when the bytes are not what `packReport` writes. */
export function unpackReport(packed: Buffer): ReadonlyMap<string, Buffer> | undefined {
  const magic = Buffer.from(MAGIC);
  if (!packed.subarray(0, magic.length).equals(magic)) return undefined;
  const files = new Map<string, Buffer>();
  for (let at = magic.length; at < packed.length;) {
    const lineEnd = packed.indexOf(0x0a, at);
    const header = lineEnd === -1 ? undefined : parseHeader(packed.toString("utf8", at, lineEnd));
    if (header === undefined || files.has(header.name) || files.size >= FILES_MAX) return undefined;
    const end = lineEnd + 1 + header.bytes;
    if (packed[end] !== 0x0a) return undefined;
    files.set(header.name, packed.subarray(lineEnd + 1, end));
    at = end + 1;
  }
  return files;
}

function parseHeader(line: string): { readonly name: string; readonly bytes: number } | undefined {
  try {
    const header: unknown = JSON.parse(line);
    if (typeof header !== "object" || header === null) return undefined;
    const { name, bytes }: { name?: unknown; bytes?: unknown } = header;
    if (typeof name !== "string" || typeof bytes !== "number" || !Number.isSafeInteger(bytes) || bytes < 0) {
      return undefined;
    }
    return { name, bytes };
  } catch {
    return undefined;
  }
}
