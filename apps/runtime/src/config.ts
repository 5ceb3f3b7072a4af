import type { KeySource } from "@openagents/service";
import type { ArtifactQuota } from "./artifacts/index.ts";
import { parseLimits, type Limits } from "./rate-limits/index.ts";

export type RuntimeConfig = {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Of the service's own role, which may not alter the schema. */
  readonly databaseUrl: string;
  /** Of the role that owns the schema; migrations run at start when it is given. */
  readonly ownerDatabaseUrl?: string | undefined;
  /** What arrives is there at first; what is kept too, unless there is an object store. */
  readonly artifactsDir: string;
  /** What each organisation may store; an ordinary amount when absent. */
  readonly artifactQuota?: ArtifactQuota | undefined;
  readonly jwks: KeySource;
  readonly issuer: string;
  readonly audience: string;
  /** 32 bytes in hex, secp256k1. */
  readonly receiptSigningKey: string;
  /** Whether admins may credit demo money. */
  readonly demoGrants: boolean;
  /** How much an organisation may ask of the market at once; generous when absent. */
  readonly rateLimits?: Limits | undefined;
  /** How often reservations whose time is over are looked at; 10 s when absent. */
  readonly reconcileEveryMs?: number;
  /** How often leases that may have lapsed are looked at; 5 s when absent. */
  readonly leaseSweepEveryMs?: number;
  readonly version: string;
};

/** Name of a variable that is missing or malformed, and what it is for. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** The configuration of a runtime that runs alone. Throws `ConfigError` naming the first variable that is wrong. */
export function configFromEnv(env: Readonly<Record<string, string | undefined>>): RuntimeConfig {
  const port = Number(env["RUNTIME_PORT"] ?? "4100");
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new ConfigError("RUNTIME_PORT must be a port number between 0 and 65535.");
  }
  const receiptSigningKey = required(
    env,
    "RUNTIME_RECEIPT_KEY",
    "the secp256k1 key that signs receipts, 64 hex digits",
  );
  if (!/^[0-9a-f]{64}$/.test(receiptSigningKey))
    throw new ConfigError("RUNTIME_RECEIPT_KEY must be 64 hex digits.");
  return {
    host: env["RUNTIME_HOST"] ?? "127.0.0.1",
    port,
    databaseUrl: required(env, "DATABASE_URL", "the PostgreSQL database of the runtime, as its own role"),
    ownerDatabaseUrl: env["OWNER_DATABASE_URL"],
    artifactsDir: required(env, "RUNTIME_ARTIFACTS_DIR", "the folder that artifacts are kept in"),
    jwks: { url: required(env, "OPENAGENTS_JWKS_URL", "the address of the keys that sign access tokens") },
    issuer: required(env, "OPENAGENTS_ISSUER", "the issuer of access tokens"),
    audience: env["OPENAGENTS_AUDIENCE"] ?? "openagents",
    receiptSigningKey,
    demoGrants: false,
    rateLimits: limitsOf(env["RUNTIME_RATE_LIMITS"] ?? ""),
    version: env["OPENAGENTS_VERSION"] ?? "0.1.0",
  };
}

function limitsOf(text: string): Limits {
  try {
    return parseLimits(text);
  } catch (cause) {
    throw new ConfigError(`RUNTIME_RATE_LIMITS: ${cause instanceof Error ? cause.message : String(cause)}.`);
  }
}

function required(env: Readonly<Record<string, string | undefined>>, name: string, meaning: string): string {
  const value = env[name];
  if (value === undefined || value === "") throw new ConfigError(`Set ${name}: ${meaning}.`);
  return value;
}
