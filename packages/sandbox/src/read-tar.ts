// A strict reader of tar archives (POSIX ustar, with GNU's long names) as a
// stream: what each entry says it is, and its bytes. It judges the form alone;
// whether a path or a link is good is for the caller to decide.

export type TarEntry = {
  /** As it stands in the archive, without a final slash. Bytes that are not UTF-8 are U+FFFD. */
  readonly path: string;
  readonly kind: "file" | "folder" | "link" | "other";
  readonly mode: number;
  readonly size: number;
  /** Where a link leads; empty for others. */
  readonly linkTarget: string;
  /** The bytes of a file, once; they are skipped when it is not called before the next entry. */
  readonly content: () => AsyncGenerator<Buffer, void>;
};

/** The archive is not one, or is cut off. */
export class TarError extends Error {
  override readonly name = "TarError";
}

const BLOCK = 512;
/** Longer than any path that Linux takes. */
const NAME_BYTES_MAX = 8 * 1024;
const KINDS: Readonly<Record<string, TarEntry["kind"]>> = {
  "0": "file",
  "\0": "file",
  "5": "folder",
  "2": "link",
};

/** The entries of an archive, in its order. Throws `TarError` at the first thing that is not as it should be. */
export async function* readTar(archive: AsyncIterable<Buffer>): AsyncGenerator<TarEntry, void> {
  const source = new Source(archive);
  let longPath: string | undefined;
  let longTarget: string | undefined;
  for (;;) {
    const header = await source.take(BLOCK);
    if (isEmpty(header)) return source.end();
    const { kind, ...fields } = parseHeader(header);
    if (kind === "L" || kind === "K") {
      if (fields.size > NAME_BYTES_MAX) throw new TarError("a name is too long");
      const text = textOf(await source.take(padded(fields.size)), 0, fields.size);
      if (kind === "L") longPath = text;
      else longTarget = text;
      continue;
    }
    let left = fields.size;
    const content = async function* () {
      while (left > 0) {
        const part = await source.some(left);
        left -= part.length;
        yield part;
      }
    };
    yield {
      path: (longPath ?? fields.path).replace(/\/+$/, ""),
      kind: KINDS[kind] ?? "other",
      mode: fields.mode,
      size: fields.size,
      linkTarget: longTarget ?? fields.linkTarget,
      content,
    };
    while (left > 0) left -= (await source.some(left)).length;
    await source.take(padded(fields.size) - fields.size);
    longPath = undefined;
    longTarget = undefined;
  }
}

function parseHeader(header: Buffer) {
  const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
  if (numberOf(header, 148, 8) !== sum) throw new TarError("the checksum of a header is wrong");
  if (header.toString("latin1", 257, 262) !== "ustar") throw new TarError("a header is not of ustar");
  const isPosix = header[262] === 0;
  const prefix = isPosix ? textOf(header, 345, 155) : "";
  const name = textOf(header, 0, 100);
  return {
    path: prefix === "" ? name : `${prefix}/${name}`,
    mode: numberOf(header, 100, 8),
    size: numberOf(header, 124, 12),
    kind: header.toString("latin1", 156, 157),
    linkTarget: textOf(header, 157, 100),
  };
}

/** Octal digits. The other form, for what does not fit, is only for sizes that nobody here may send. */
function numberOf(header: Buffer, at: number, length: number): number {
  const digits = header
    .toString("latin1", at, at + length)
    .replace(/[\0 ]+$/, "")
    .trimStart();
  if (!/^[0-7]{1,11}$/.test(digits)) throw new TarError("a number in a header is not octal");
  return Number.parseInt(digits, 8);
}

function textOf(bytes: Buffer, at: number, length: number): string {
  const field = bytes.subarray(at, at + length);
  const end = field.indexOf(0);
  return field.toString("utf8", 0, end === -1 ? field.length : end);
}

function isEmpty(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0);
}

function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}

/** Bytes of a stream in the portions that are asked for. */
class Source {
  readonly #parts: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(archive: AsyncIterable<Buffer>) {
    this.#parts = archive[Symbol.asyncIterator]();
  }

  /** Exactly so many. */
  async take(count: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let left = count; left > 0;) {
      const part = await this.some(left);
      parts.push(part);
      left -= part.length;
    }
    return Buffer.concat(parts);
  }

  /** Nothing but the padding of the archive's end may follow. */
  async end(): Promise<void> {
    for (let rest = this.#rest; ;) {
      if (!isEmpty(rest)) throw new TarError("something follows the end");
      const next = await this.#parts.next();
      if (next.done === true) return;
      rest = next.value;
    }
  }

  /** At least one and at most so many. */
  async some(most: number): Promise<Buffer> {
    while (this.#rest.length === 0) {
      const next = await this.#parts.next();
      if (next.done === true) throw new TarError("the archive is cut off");
      this.#rest = next.value;
    }
    const part = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(part.length);
    return part;
  }
}
