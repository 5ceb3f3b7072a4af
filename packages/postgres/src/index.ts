export {
  connect,
  type Database,
  type DatabaseOptions,
  type OpenTx,
  type Queryable,
  type Tx,
} from "./database.ts";
export { startEmbeddedPostgres, type EmbeddedPostgres, type EmbeddedPostgresOptions } from "./embedded.ts";
export {
  ConnectionLost,
  isCheckViolation,
  isConnectionLoss,
  isRetryable,
  isUniqueViolation,
  translateError,
} from "./errors.ts";
export { gatherReads } from "./gather.ts";
export type { Listener } from "./listen.ts";
export { MigrationRefused, assertMigrated, migrate, type MigrationDirectory } from "./migrate.ts";
export { provisionDatabase, provisionRole, urlFor, type DatabasePlan, type Role } from "./provision.ts";
export { dumpSchema } from "./schema-dump.ts";
export { mergeWrites, statement, type RowsWrite, type Statement, type Write } from "./statement.ts";
