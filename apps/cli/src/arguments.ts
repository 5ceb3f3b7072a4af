// Arguments as typed, parsed or refused with the reason.

import { InvalidArgumentError } from "commander";

export function parsePortBase(text: string): number {
  const port = Number(text);
  if (/^[0-9]{1,5}$/.test(text) && (port === 0 || (port >= 1024 && port <= 65_535))) return port;
  throw new InvalidArgumentError("Give 0 for any free port, or a number from 1024 to 65535.");
}

export function parseTtl(text: string): number {
  const seconds = Number(text);
  if (/^[0-9]{1,3}$/.test(text) && seconds >= 1 && seconds <= 600) return seconds;
  throw new InvalidArgumentError("Give seconds, from 1 to 600.");
}

export function parseLimit(text: string): number {
  const limit = Number(text);
  if (/^[0-9]{1,3}$/.test(text) && limit >= 1 && limit <= 200) return limit;
  throw new InvalidArgumentError("Give a number from 1 to 200.");
}

/** An amount such as `200sat` or `1500msat`, in msats. */
export function parseAmount(text: string): bigint {
  const [, digits, unit] = /^([0-9]{1,12}) ?(sats?|msats?)$/.exec(text) ?? [];
  const msats = BigInt(digits ?? 0) * (unit?.startsWith("m") === true ? 1n : 1_000n);
  if (msats > 0n) return msats;
  throw new InvalidArgumentError("Give an amount above 0 with its unit, such as 200sat or 1500msat.");
}

/** A whole number of a unit, between bounds. */
export function parseWhole(least: number, most: number, unit: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^[0-9]{1,9}$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Give ${unit}, from ${least} to ${most}.`);
  };
}

/** A day, or a time, in UTC, as epoch milliseconds. */
export function parseTime(text: string): number {
  const ms = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?Z)?$/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(ms)) return ms;
  throw new InvalidArgumentError("Give a day such as 2027-01-31, or a time such as 2027-01-31T12:00Z.");
}

/** A local provider's name, which becomes part of its identity. */
export function parseProviderName(text: string): string {
  if (/^[a-z0-9_]{1,30}$/.test(text)) return text;
  throw new InvalidArgumentError("Give up to 30 lower-case letters, digits and _.");
}

/** A run's id as the runtime makes them, so that nothing is started for another. */
export function parseRunId(text: string): string {
  if (/^run_[0-9a-f]{32}$/.test(text)) return text;
  throw new InvalidArgumentError("A run's id is run_ and 32 hex digits; `openagents runs list` shows them.");
}

export function parseQuoteId(text: string): string {
  if (/^qte_[0-9a-f]{32}$/.test(text)) return text;
  throw new InvalidArgumentError("A quote's id is qte_ and 32 hex digits.");
}

export function parseJobId(text: string): string {
  if (/^job_[0-9a-f]{32}$/.test(text)) return text;
  throw new InvalidArgumentError(
    "A job's id is job_ and 32 hex digits; `openagents ledger statement` shows yours.",
  );
}

/** A worker's id, of one that sells. */
export function parseProviderId(text: string): string {
  if (/^wrk_[0-9a-f]{32}$/.test(text)) return text;
  throw new InvalidArgumentError(
    "A provider's id is wrk_ and 32 hex digits; `openagents market providers` shows them.",
  );
}

/** For options that may be given several times. */
export function collect(value: string, earlier: readonly string[] | undefined): string[] {
  return [...(earlier ?? []), value];
}

/** Several values, each also as a list with commas or spaces between. */
export function collectWords(value: string, earlier: readonly string[] | undefined): string[] {
  return [...(earlier ?? []), ...value.split(/[\s,]+/).filter((word) => word !== "")];
}
