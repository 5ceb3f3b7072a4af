import { portVariable, requiredVariable, type Environment } from "@openagents/service";
import type { SyncServerConfig } from "./sync-server.ts";

/** The configuration of a sync server that runs alone. Throws `ConfigError` naming the first variable that is wrong. */
export function configFromEnv(env: Environment): SyncServerConfig {
  return {
    host: env["SYNC_HOST"] ?? "127.0.0.1",
    port: portVariable(env, "SYNC_PORT", 3000),
    streamsDatabaseUrl: requiredVariable(
      env,
      "SYNC_STREAMS_DATABASE_URL",
      "the PostgreSQL database of the runtime, as a role that may only read its streams",
    ),
    controlStreamsDatabaseUrl: requiredVariable(
      env,
      "SYNC_CONTROL_STREAMS_DATABASE_URL",
      "the PostgreSQL database of the control service, as a role that may only read its streams",
    ),
    databaseUrl: requiredVariable(
      env,
      "SYNC_DATABASE_URL",
      "the PostgreSQL database of checkpoints, as the server's own role",
    ),
    ownerDatabaseUrl: env["SYNC_OWNER_DATABASE_URL"],
    jwks: {
      url: requiredVariable(env, "OPENAGENTS_JWKS_URL", "the address of the keys that sign sync tokens"),
    },
    issuer: requiredVariable(env, "OPENAGENTS_ISSUER", "the issuer of sync tokens"),
    allowedOrigins: (env["SYNC_ALLOWED_ORIGINS"] ?? "").split(",").flatMap((origin) => origin.trim() || []),
    version: env["OPENAGENTS_VERSION"] ?? "0.1.0",
  };
}
