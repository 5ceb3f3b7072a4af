import type { SyncServerConfig } from "./sync-server.ts";

/** Name of a variable that is missing or malformed, and what it is for. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** The configuration of a sync server that runs alone. Throws `ConfigError` naming the first variable that is wrong. */
export function configFromEnv(env: Readonly<Record<string, string | undefined>>): SyncServerConfig {
  const port = Number(env["SYNC_PORT"] ?? "3000");
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new ConfigError("SYNC_PORT must be a port number between 0 and 65535.");
  }
  const required = (name: string, meaning: string): string => {
    const value = env[name];
    if (value === undefined || value === "") throw new ConfigError(`Set ${name}: ${meaning}.`);
    return value;
  };
  return {
    host: env["SYNC_HOST"] ?? "127.0.0.1",
    port,
    streamsDatabaseUrl: required(
      "SYNC_STREAMS_DATABASE_URL",
      "the PostgreSQL database of the streams, as a role that may only read them",
    ),
    databaseUrl: required(
      "SYNC_DATABASE_URL",
      "the PostgreSQL database of checkpoints, as the server's own role",
    ),
    ownerDatabaseUrl: env["SYNC_OWNER_DATABASE_URL"],
    jwks: { url: required("OPENAGENTS_JWKS_URL", "the address of the keys that sign sync tokens") },
    issuer: required("OPENAGENTS_ISSUER", "the issuer of sync tokens"),
    version: env["OPENAGENTS_VERSION"] ?? "0.1.0",
  };
}
