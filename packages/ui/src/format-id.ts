/** An id, hash or key short enough for a line: its prefix, and both of its ends. */
export function shortId(id: string): string {
  const prefix = /^(sha256:|[a-z]{2,12}_(?:local_)?)/.exec(id)?.[0] ?? "";
  const rest = id.slice(prefix.length);
  return rest.length <= 12 ? id : `${prefix}${rest.slice(0, 4)}…${rest.slice(-6)}`;
}

/** A count with separators. */
export function formatCount(count: number | bigint): string {
  return count.toLocaleString("en");
}

/** Bytes in the largest binary unit that fits. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? size : size.toFixed(size < 10 ? 1 : 0)} ${units[unit] ?? "B"}`;
}
