import ms from "ms";
import { duration } from "./duration.js";

const TRIES_MAX = 100;

/** The waits between tries, in milliseconds. */
export function plan({ first, most = Infinity, tries, factor = 2, total }) {
  if (!Number.isInteger(tries) || tries < 1 || tries > TRIES_MAX) {
    throw new RangeError(`tries must be a whole number from 1 to ${TRIES_MAX}`);
  }
  if (!(factor >= 1)) throw new RangeError("factor must be at least 1");
  const longest = most === Infinity ? Infinity : duration(most, "most");
  const budget = total === undefined ? Infinity : duration(total, "total");
  const waits = [];
  let wait = duration(first, "first");
  let spent = 0;
  while (waits.length < tries - 1) {
    spent += wait;
    if (spent >= budget) break;
    waits.push(wait);
    wait = wait * factor;
    if (wait > longest) break;
  }
  return waits;
}

/** A plan for people. */
export function describe(waits) {
  return waits.length === 0 ? "no waits" : waits.map((wait) => ms(wait)).join(", ");
}
