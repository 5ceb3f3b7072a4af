// SpacetimeDB's own client for the module, as `spacetime generate` would write
// its bindings: made from our tables and reducers.

import { MODULE_NAME, REDUCERS, TABLES, type AlgebraicType } from "@openagents/spacetime";
import { official, type Column, type Connection } from "./official.ts";

const { t, table, schema, reducerSchema, reducers, procedures } = official;

const remoteModule = {
  versionInfo: { cliVersion: "2.10.1" },
  tables: schema(
    Object.fromEntries(
      Object.values(TABLES).map(({ name, row, primaryKey }) => [
        name,
        table({ name }, columnsOf(row.type, primaryKey)),
      ]),
    ),
  ).schemaType.tables,
  reducers: reducers(
    ...Object.values(REDUCERS)
      .filter(({ lifecycle }) => lifecycle === undefined)
      .map(({ name, args }) => reducerSchema(name, columnsOf(args.type))),
  ).reducersType.reducers,
  ...procedures(),
};

/** Rejects when the connection is refused. */
export async function connectOfficial(options: {
  readonly url: string;
  readonly token: string;
  readonly compression?: "gzip" | "brotli" | "none";
  readonly onDisconnect?: () => void;
}): Promise<Connection> {
  official.setGlobalLogLevel("error");
  return new Promise((resolve, reject) => {
    new official.DbConnectionBuilder(remoteModule, (config) => new official.DbConnectionImpl(config))
      .withUri(options.url)
      .withDatabaseName(MODULE_NAME)
      .withToken(options.token)
      .withCompression(options.compression ?? "gzip")
      .onConnect(resolve)
      .onConnectError((_context, error) => reject(error))
      .onDisconnect(() => options.onDisconnect?.())
      .build();
  });
}

/** Resolves when the subscription is applied, rejects with the server's text. */
export function subscribeOfficial(connection: Connection, ...queries: readonly string[]) {
  return new Promise<ReturnType<ReturnType<Connection["subscriptionBuilder"]>["subscribe"]>>(
    (resolve, reject) => {
      const subscription = connection
        .subscriptionBuilder()
        .onApplied(() => resolve(subscription))
        .onError((_context, error) => reject(error))
        .subscribe(queries);
    },
  );
}

function columnsOf(type: AlgebraicType, primaryKey?: string): Record<string, Column> {
  if (type.kind !== "product") throw new Error("a row is a product");
  return Object.fromEntries(
    type.elements.map(({ name, type: of }) => {
      const column = columnOf(of);
      return [name, name === primaryKey ? column.primaryKey() : column];
    }),
  );
}

function columnOf(type: AlgebraicType): Column {
  switch (type.kind) {
    case "string":
    case "u64":
    case "bool":
      return t[type.kind]();
    case "product":
      return t.identity();
    case "sum": {
      const [some] = type.variants;
      if (some === undefined) throw new Error("an option has two variants");
      return t.option(columnOf(some.type));
    }
    default:
      throw new Error(`no column has the type ${type.kind}`);
  }
}
