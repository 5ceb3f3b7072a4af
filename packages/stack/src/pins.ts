// Whose signatures this user trusts. A receipt proves who signed it; only a pin
// says that the signer is the operator one meant.

import { join } from "node:path";
import { takeLock } from "./lock.ts";
import { makePrivateFolder, readIfExists, writePrivateFile } from "./private-files.ts";
import { StackError } from "./stack-error.ts";

export type Pin = {
  /** x-only secp256k1 key, 64 lower-case hex digits. */
  readonly publicKey: string;
  readonly label: string;
  /** RFC 3339. */
  readonly pinnedAt: string;
};

const PINS_MAX = 1000;

/** Every pin of this user, oldest first. Throws `pins_damaged` rather than trusting less or more than was written. */
export function listPins(home: string): Pin[] {
  const path = join(home, "pins.json");
  const text = readIfExists(path);
  if (text === undefined) return [];
  try {
    const pins: unknown[] = JSON.parse(text).pins;
    return pins.map(parsePin);
  } catch (cause) {
    throw new StackError(
      "pins_damaged",
      `${path} is damaged`,
      "repair it, or remove it and pin again",
      cause,
    );
  }
}

/**
 * Trust an operator's key from now on. A key that is pinned already keeps its
 * label and date. Answers whether the pin is new.
 */
export function pinOperator(options: {
  readonly home: string;
  readonly key: string;
  readonly label: string;
  readonly nowMs: number;
}): boolean {
  if (!isOperatorKey(options.key)) {
    throw new StackError(
      "operator_key_invalid",
      `\`${options.key.slice(0, 80)}\` is not an operator's key`,
      "a key is 64 lower-case hex digits; `openagents status` shows this laptop's",
    );
  }
  makePrivateFolder(options.home);
  // Two stacks that start side by side both pin; neither may lose the other's line.
  const lock = takeLock(join(options.home, "pins.lock"), 10);
  if (lock === undefined) {
    throw new StackError("pins_busy", "the list of pinned keys is in use", "try again in a moment");
  }
  try {
    const pins = listPins(options.home);
    if (pins.some((pin) => pin.publicKey === options.key)) return false;
    if (pins.length >= PINS_MAX) {
      throw new StackError(
        "pins_full",
        `${PINS_MAX} keys are pinned already`,
        `remove some from ${options.home}/pins.json`,
      );
    }
    const entries = [
      ...pins,
      { publicKey: options.key, label: options.label, pinnedAt: new Date(options.nowMs).toISOString() },
    ];
    const wire = entries.map((pin) => ({
      public_key: pin.publicKey,
      label: pin.label,
      pinned_at: pin.pinnedAt,
    }));
    writePrivateFile(
      join(options.home, "pins.json"),
      `${JSON.stringify({ version: 1, pins: wire }, null, 2)}\n`,
    );
    return true;
  } finally {
    lock.release();
  }
}

export function isOperatorKey(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

function parsePin(entry: unknown): Pin {
  if (
    typeof entry === "object" &&
    entry !== null &&
    "public_key" in entry &&
    "label" in entry &&
    "pinned_at" in entry
  ) {
    const { public_key: publicKey, label, pinned_at: pinnedAt } = entry;
    if (
      typeof publicKey === "string" &&
      isOperatorKey(publicKey) &&
      typeof label === "string" &&
      typeof pinnedAt === "string"
    ) {
      return { publicKey, label, pinnedAt };
    }
  }
  throw new Error("not a pin");
}
