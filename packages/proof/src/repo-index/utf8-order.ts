/** From here on the order of UTF-16 units may differ from that of the bytes. */
const BEYOND_ORDER = /[\ud800-\uffff]/;

/** Order by the bytes of UTF-8, which is git's own. */
export function compareUtf8(a: string, b: string): number {
  if (a === b) return 0;
  if (BEYOND_ORDER.test(a) || BEYOND_ORDER.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return a < b ? -1 : 1;
}
