// Times on the wire: RFC 3339, UTC, `Z`. Written with milliseconds; read with
// none to nine digits of a second, of which the ones after the third are cut.

const TIMESTAMP = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z$/;

/** Pattern of the accepted form, for schemas. */
export const TIMESTAMP_PATTERN = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?Z$";

/** 0001-01-01 and 9999-12-31, the range of `google.protobuf.Timestamp`. */
const MS_MIN = -62_135_596_800_000;
const MS_MAX = 253_402_300_799_999;

/** Epoch milliseconds of a wire time; undefined when it is not one. Leap seconds are refused. */
export function parseTimestamp(text: string): number | undefined {
  const match = TIMESTAMP.exec(text);
  if (match === null) return undefined;
  const seconds = text.slice(0, 19);
  const ms = Date.parse(`${seconds}.${(match[7] ?? "").slice(0, 3).padEnd(3, "0")}Z`);
  // `Date` moves a 30th of February into March; printing it again shows that.
  if (Number.isNaN(ms) || ms < MS_MIN || new Date(ms).toISOString().slice(0, 19) !== seconds)
    return undefined;
  return ms;
}

/** The wire form of epoch milliseconds. Throws `RangeError` for what is no whole millisecond of the years 1 to 9999. */
export function formatTimestamp(ms: number): string {
  if (!Number.isInteger(ms) || ms < MS_MIN || ms > MS_MAX) {
    throw new RangeError(`${ms} is no time in whole milliseconds between the years 1 and 9999`);
  }
  return new Date(ms).toISOString();
}
