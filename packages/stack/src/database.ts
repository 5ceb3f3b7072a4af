// The database of a laptop stack: the embedded server, or one that the user runs.

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { DataDir } from "./data-dir.ts";
import type { StackKeys } from "./keys.ts";

export type StackDatabase = {
  /** As the role that owns the schema, for migrations. */
  readonly ownerUrl: string;
  /** As the role that the runtime serves with. */
  readonly appUrl: string;
  readonly control: ServiceDatabase;
  readonly sync: SyncDatabases;
  stop(): Promise<void>;
};

/** As the role that owns the schema, and as the one that serves. */
export type ServiceDatabase = { readonly ownerUrl: string; readonly appUrl: string };

export type SyncDatabases = ServiceDatabase & {
  /** The runtime's database, as a role that will only be let read streams. */
  readonly streamsUrl: string;
  /** The same of the control service's. */
  readonly controlStreamsUrl: string;
  readonly streamsRole: string;
};

/**
 * Start the embedded server, unless an administrator's address of another one is
 * given; then make the services' databases and roles there, with the passwords of
 * this data directory.
 */
export async function startDatabase(options: {
  readonly dataDir: DataDir;
  readonly keys: StackKeys;
  readonly externalUrl: string | undefined;
}): Promise<StackDatabase> {
  const { dataDir, keys, externalUrl } = options;
  if (externalUrl !== undefined) {
    // Stacks that share a server must not share a database.
    return {
      ...(await provision(externalUrl, keys, `_${keys.localId}`)),
      stop: async () => undefined,
    };
  }
  const { startEmbeddedPostgres } = await import("@openagents/postgres");
  const server = await startEmbeddedPostgres({ dataDir: dataDir.postgres });
  try {
    return { ...(await provision(server.adminUrl, keys, "")), stop: () => server.stop() };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/**
 * End a database server whose stack was killed. Answers whether there was one.
 * Only for a holder of the stack's lock.
 */
export async function stopOrphanedDatabase(dataDir: DataDir): Promise<boolean> {
  if (!existsSync(join(dataDir.postgres, "postmaster.pid"))) return false;
  const { startEmbeddedPostgres } = await import("@openagents/postgres");
  // Starting takes an orphan over and recovers it; stopping then leaves a clean shutdown behind.
  const server = await startEmbeddedPostgres({ dataDir: dataDir.postgres });
  await server.stop();
  return true;
}

async function provision(adminUrl: string, keys: StackKeys, suffix: string) {
  const { provisionDatabase, provisionRole, urlFor } = await import("@openagents/postgres");
  const database = `openagents_runtime${suffix}`;
  const runtime = await provisionDatabase(adminUrl, {
    database,
    owner: { role: `${database}_owner`, password: keys.databaseOwnerPassword },
    app: { role: `${database}_app`, password: keys.databaseAppPassword },
  });
  const controlDatabase = `openagents_control${suffix}`;
  const control = await provisionDatabase(adminUrl, {
    database: controlDatabase,
    owner: { role: `${controlDatabase}_owner`, password: keys.control.databasePassword },
    app: { role: `${controlDatabase}_app`, password: keys.control.databasePassword },
  });
  const syncDatabase = `openagents_sync${suffix}`;
  const password = keys.databaseSyncPassword;
  const own = await provisionDatabase(adminUrl, {
    database: syncDatabase,
    owner: { role: `${syncDatabase}_owner`, password },
    app: { role: `${syncDatabase}_app`, password },
  });
  const reader = { role: `${syncDatabase}_reader`, password };
  await provisionRole(adminUrl, reader);
  const sync = {
    ...own,
    streamsUrl: urlFor(adminUrl, database, reader),
    controlStreamsUrl: urlFor(adminUrl, controlDatabase, reader),
    streamsRole: reader.role,
  };
  return { ...runtime, control, sync };
}
