// The key of a device, made here and never sent anywhere. Whoever holds it is the device.

import { createPrivateKey, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { join } from "node:path";
import { makePrivateFolder, readIfExists, writePrivateFile } from "@openagents/stack";
import { CliError } from "../cli-error.ts";

export type DeviceKey = {
  /** Ed25519, 64 hex digits. */
  readonly publicKey: string;
  /** Of a text, 128 hex digits. */
  sign(text: string): string;
};

/** The key in a folder; made there the first time, for its owner's eyes alone. */
export function loadOrCreateDeviceKey(folder: string): DeviceKey {
  makePrivateFolder(folder);
  const file = join(folder, "device-key.json");
  const text = readIfExists(file) ?? createKey(file);
  try {
    const key = createPrivateKey({ key: JSON.parse(text), format: "jwk" });
    return {
      publicKey: publicKeyOf(key),
      sign: (message) => sign(null, Buffer.from(message), key).toString("hex"),
    };
  } catch (cause) {
    throw new CliError("device_key_invalid", `${file} does not hold the key of a device`, {
      nextStep: "put back the one that was there; without it this computer is a new device",
      cause,
    });
  }
}

function createKey(file: string): string {
  const { privateKey } = generateKeyPairSync("ed25519");
  const text = `${JSON.stringify(privateKey.export({ format: "jwk" }))}\n`;
  writePrivateFile(file, text);
  return text;
}

function publicKeyOf(key: KeyObject): string {
  const { crv, x } = key.export({ format: "jwk" });
  if (crv !== "Ed25519" || x === undefined) throw new Error("it is no Ed25519 key");
  return Buffer.from(x, "base64url").toString("hex");
}
