// Whose signatures this user trusts. A receipt proves who signed it; only a pin
// says that the signer is the operator one meant.

import { join } from "node:path";
import { parseNoteKey } from "@openagents/receipts";
import { takeLock } from "./lock.ts";
import { makePrivateFolder, readIfExists, writePrivateFile } from "./private-files.ts";
import { StackError } from "./stack-error.ts";

export type Pin = {
  /** Of operators x-only secp256k1, 64 lower-case hex digits; of logs as signed notes publish theirs. */
  readonly publicKey: string;
  readonly label: string;
  /** RFC 3339. */
  readonly pinnedAt: string;
};

const PINS_MAX = 1000;

/** Every pinned operator of this user, oldest first. Throws `pins_damaged` rather than trusting less or more than was written. */
export function listPins(home: string): Pin[] {
  return readPins(home).pins;
}

/** The same of transparency logs. */
export function listLogPins(home: string): Pin[] {
  return readPins(home).logs;
}

type Pins = { readonly pins: Pin[]; readonly logs: Pin[] };

function readPins(home: string): Pins {
  const path = join(home, "pins.json");
  const text = readIfExists(path);
  if (text === undefined) return { pins: [], logs: [] };
  try {
    const { pins, logs = [] }: { readonly pins: unknown[]; readonly logs?: unknown[] } = JSON.parse(text);
    return {
      pins: pins.map((pin) => parsePin(pin, isOperatorKey)),
      logs: logs.map((pin) => parsePin(pin, isLogKey)),
    };
  } catch (cause) {
    throw new StackError(
      "pins_damaged",
      `${path} is damaged`,
      "repair it, or remove it and pin again",
      cause,
    );
  }
}

export type PinRequest = {
  readonly home: string;
  readonly key: string;
  readonly label: string;
  readonly nowMs: number;
};

/**
 * Trust an operator's key from now on. A key that is pinned already keeps its
 * label and date. Answers whether the pin is new.
 */
export function pinOperator(request: PinRequest): boolean {
  if (!isOperatorKey(request.key)) {
    throw new StackError(
      "operator_key_invalid",
      `\`${request.key.slice(0, 80)}\` is not an operator's key`,
      "a key is 64 lower-case hex digits; `openagents status` shows this laptop's",
    );
  }
  return addPin(request, "pins");
}

/** The same for the key of a transparency log. */
export function pinLog(request: PinRequest): boolean {
  if (!isLogKey(request.key)) {
    throw new StackError(
      "log_key_invalid",
      `\`${request.key.slice(0, 80)}\` is not the key of a log`,
      "a log's key reads name+id+base64; `openagents log show` prints it",
    );
  }
  return addPin(request, "logs");
}

function addPin({ home, key, label, nowMs }: PinRequest, kind: keyof Pins): boolean {
  makePrivateFolder(home);
  // Two stacks that start side by side both pin; neither may lose the other's line.
  const lock = takeLock(join(home, "pins.lock"), 10);
  if (lock === undefined) {
    throw new StackError("pins_busy", "the list of pinned keys is in use", "try again in a moment");
  }
  try {
    const all = readPins(home);
    if (all[kind].some((pin) => pin.publicKey === key)) return false;
    if (all[kind].length >= PINS_MAX) {
      throw new StackError(
        "pins_full",
        `${PINS_MAX} keys are pinned already`,
        `remove some from ${home}/pins.json`,
      );
    }
    const added = {
      ...all,
      [kind]: [...all[kind], { publicKey: key, label, pinnedAt: new Date(nowMs).toISOString() }],
    };
    const file = { version: 1, pins: added.pins.map(pinToWire), logs: added.logs.map(pinToWire) };
    writePrivateFile(join(home, "pins.json"), `${JSON.stringify(file, null, 2)}\n`);
    return true;
  } finally {
    lock.release();
  }
}

function pinToWire(pin: Pin) {
  return { public_key: pin.publicKey, label: pin.label, pinned_at: pin.pinnedAt };
}

function isLogKey(text: string): boolean {
  try {
    parseNoteKey(text);
    return true;
  } catch {
    return false;
  }
}

export function isOperatorKey(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

function parsePin(entry: unknown, isKey: (text: string) => boolean): Pin {
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
      isKey(publicKey) &&
      typeof label === "string" &&
      typeof pinnedAt === "string"
    ) {
      return { publicKey, label, pinnedAt };
    }
  }
  throw new Error("not a pin");
}
