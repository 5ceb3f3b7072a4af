import ms from "ms";

/** Milliseconds of a number or of a text such as "1.5s". */
export function duration(value, name) {
  const found = typeof value === "string" && value.length > 0 ? ms(value) : value;
  if (!Number.isFinite(found) || found < 0) {
    throw new TypeError(`${name} must be a duration such as 250 or "1.5s"`);
  }
  return found;
}
