// A device is its key: whoever holds it is the device, whatever it calls itself.

import { hash } from "node:crypto";
import type { Device as DeviceMessage, DeviceStatus } from "@openagents/contracts";

export type Device = {
  readonly deviceId: string;
  /** Ed25519, 64 hex digits. */
  readonly publicKey: string;
  readonly org: string;
  readonly ownerUserId: string;
  readonly name: string;
  readonly platform: string;
  readonly status: DeviceStatus;
  readonly enrolledAtMs: number;
  readonly statusAtMs: number;
  readonly lastSeenAtMs: number | undefined;
};

/** The same for the same key, wherever it is enrolled. */
export function deviceIdOf(publicKey: string): string {
  return `dev_${hash("sha256", Buffer.from(publicKey, "hex"), "hex").slice(0, 32)}`;
}

export function deviceMessage(device: Device): DeviceMessage {
  const { enrolledAtMs, statusAtMs, lastSeenAtMs, org: _org, ...rest } = device;
  return { ...rest, enrolledAt: enrolledAtMs, statusAt: statusAtMs, lastSeenAt: lastSeenAtMs };
}
