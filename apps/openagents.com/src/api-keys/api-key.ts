// Keys that services and scripts hold in the place of a person.

import { hash, randomBytes } from "node:crypto";
import type { ApiKey as ApiKeyMessage } from "@openagents/contracts";

export type ApiKey = {
  readonly keyId: string;
  readonly prefix: string;
  readonly org: string;
  readonly principal: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number | undefined;
  readonly revokedAtMs: number | undefined;
  readonly lastUsedAtMs: number | undefined;
};

/** `oak_`, eight characters that people know it by, and 256 bits that nobody can guess. */
const FORM = /^(oak_[0-9a-f]{8})_[A-Za-z0-9_-]{43}$/;

export function makeSecret(): { readonly secret: string; readonly prefix: string } {
  const prefix = `oak_${randomBytes(4).toString("hex")}`;
  return { secret: `${prefix}_${randomBytes(32).toString("base64url")}`, prefix };
}

/** Undefined for what is not the form of a key. */
export function prefixOf(secret: string): string | undefined {
  return FORM.exec(secret)?.[1];
}

/** As it is kept. With 256 bits of chance in it nobody tries them all, so that a slow hash would only cost. */
export function hashSecret(secret: string): Buffer {
  return hash("sha256", secret, "buffer");
}

export function apiKeyMessage(key: ApiKey): ApiKeyMessage {
  const { org: _org, createdAtMs, expiresAtMs, revokedAtMs, lastUsedAtMs, ...rest } = key;
  return {
    ...rest,
    createdAt: createdAtMs,
    expiresAt: expiresAtMs,
    revokedAt: revokedAtMs,
    lastUsedAt: lastUsedAtMs,
  };
}
