// A ZIP archive of files stored as they are (APPNOTE 6.3.10), for downloads that
// are made in the page. Names are UTF-8; no file and no archive is above 4 GiB.

export type ZipFile = { readonly name: string; readonly bytes: Uint8Array };

const UTF8_NAMES = 0x0800;
/** 1980-01-01, the earliest that a ZIP can say: the same files give the same bytes. */
const DATE = 0x0021;

export function zip(files: readonly ZipFile[]): Uint8Array<ArrayBuffer> {
  const locals: Uint8Array[] = [];
  const entries: Uint8Array[] = [];
  let offset = 0;
  for (const file of files) {
    const name = new TextEncoder().encode(file.name);
    const crc = crc32(file.bytes);
    const common = [20, UTF8_NAMES, 0, 0, DATE];
    const sizes = [crc, file.bytes.length, file.bytes.length] as const;
    const local = join(
      words(0x04034b50, 4),
      ...common.map((word) => words(word, 2)),
      ...sizes.map((word) => words(word, 4)),
      words(name.length, 2),
      words(0, 2),
      name,
      file.bytes,
    );
    entries.push(
      join(
        words(0x02014b50, 4),
        words(20, 2),
        ...common.map((word) => words(word, 2)),
        ...sizes.map((word) => words(word, 4)),
        words(name.length, 2),
        words(0, 2),
        words(0, 2),
        words(0, 2),
        words(0, 2),
        words(0, 4),
        words(offset, 4),
        name,
      ),
    );
    locals.push(local);
    offset += local.length;
  }
  const directory = join(...entries);
  const end = join(
    words(0x06054b50, 4),
    words(0, 2),
    words(0, 2),
    words(files.length, 2),
    words(files.length, 2),
    words(directory.length, 4),
    words(offset, 4),
    words(0, 2),
  );
  return join(...locals, directory, end);
}

/** Little-endian. */
function words(value: number, bytes: 2 | 4): Uint8Array {
  const view = new DataView(new ArrayBuffer(bytes));
  if (bytes === 2) view.setUint16(0, value, true);
  else view.setUint32(0, value, true);
  return new Uint8Array(view.buffer);
}

function join(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
