// Amounts in the human-readable part: bitcoin with a multiplier, whole msats only.

import { Bolt11Error } from "./bolt11-error.ts";

/** 21 million bitcoin: more than this nobody can owe. */
export const AMOUNT_MSATS_MAX = 21_000_000n * 100_000_000_000n;

// Largest first: BOLT 11 asks for the shortest form, which the largest multiplier gives.
const MULTIPLIERS: readonly (readonly [letter: string, picobitcoin: bigint])[] = [
  ["", 1_000_000_000_000n],
  ["m", 1_000_000_000n],
  ["u", 1_000_000n],
  ["n", 1_000n],
  ["p", 1n],
];
const PICOBITCOIN_PER_MSAT = 10n;

/**
 * The msats of an amount such as `2500u`; `undefined` for the empty text, which
 * leaves it to the payer. Zero and leading zeros are refused: no writer may make them.
 */
export function parseAmount(text: string): bigint | undefined {
  if (text === "") return undefined;
  const [, digits = "", letter = ""] = /^(\d*)(.*)$/s.exec(text) ?? [];
  if (!/^[1-9]\d*$/.test(digits))
    throw new Bolt11Error("amount_malformed", `the amount "${text}" is not a positive whole number`);
  const unit = MULTIPLIERS.find(([known]) => known === letter)?.[1];
  if (unit === undefined)
    throw new Bolt11Error("amount_multiplier", `"${letter}" is no multiplier; m, u, n and p are`);
  // Before BigInt sees them: a kilobyte of digits is an attack, not an amount.
  if (digits.length > 20) throw new Bolt11Error("amount_range", "the amount is above 21 million bitcoin");
  const picobitcoin = BigInt(digits) * unit;
  if (picobitcoin % PICOBITCOIN_PER_MSAT !== 0n)
    throw new Bolt11Error("amount_precision", `the amount "${text}" is no whole number of msats`);
  return inRange(picobitcoin / PICOBITCOIN_PER_MSAT);
}

/** The shortest text of an amount in msats; `undefined` becomes the empty text. */
export function formatAmount(amountMsats: bigint | undefined): string {
  if (amountMsats === undefined) return "";
  const picobitcoin = inRange(amountMsats) * PICOBITCOIN_PER_MSAT;
  for (const [letter, unit] of MULTIPLIERS) {
    if (picobitcoin % unit === 0n) return `${picobitcoin / unit}${letter}`;
  }
  throw new Error("one picobitcoin divides every amount");
}

function inRange(amountMsats: bigint): bigint {
  if (amountMsats < 1n || amountMsats > AMOUNT_MSATS_MAX)
    throw new Bolt11Error(
      "amount_range",
      `the amount of ${amountMsats} msats is not from 1 to 21 million bitcoin`,
    );
  return amountMsats;
}
