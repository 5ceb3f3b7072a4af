// What the tests use of SpacetimeDB's own library. Its declarations cannot be read
// by Node's way of resolving modules, so these few stand in for them.

import * as library from "spacetimedb";

export type OfficialType = { readonly tag: string; readonly value?: unknown };

type Named = { readonly name: string; readonly algebraicType: OfficialType };

export type Column = { primaryKey(): Column };

type TableView = {
  iter(): Iterable<Readonly<Record<string, unknown>>>;
  count(): bigint;
  onInsert(listener: (context: unknown, row: Readonly<Record<string, unknown>>) => void): void;
  onUpdate(listener: (context: unknown, old: unknown, row: Readonly<Record<string, unknown>>) => void): void;
};

export type Subscription = { unsubscribe(): void; unsubscribeThen(listener: () => void): void };

type SubscriptionBuilder = {
  onApplied(listener: () => void): SubscriptionBuilder;
  onError(listener: (context: unknown, error: Error) => void): SubscriptionBuilder;
  subscribe(queries: readonly string[]): Subscription;
};

export type Connection = {
  readonly db: Readonly<Record<string, TableView>>;
  readonly reducers: Readonly<Record<string, (args: object) => Promise<void>>>;
  readonly identity: { toHexString(): string };
  subscriptionBuilder(): SubscriptionBuilder;
  disconnect(): void;
};

export type Builder = {
  withUri(uri: string): Builder;
  withDatabaseName(name: string): Builder;
  withToken(token: string): Builder;
  withCompression(compression: "gzip" | "brotli" | "none"): Builder;
  onConnect(listener: (connection: Connection) => void): Builder;
  onConnectError(listener: (context: unknown, error: Error) => void): Builder;
  onDisconnect(listener: () => void): Builder;
  build(): Connection;
};

type Writer = { getBuffer(): Uint8Array };

type Library = {
  readonly AlgebraicType: {
    Array(element: OfficialType): OfficialType;
    Product(of: { readonly elements: readonly Named[] }): OfficialType;
    Sum(of: { readonly variants: readonly Named[] }): OfficialType;
    makeSerializer(type: OfficialType): (writer: Writer, value: unknown) => void;
    makeDeserializer(type: OfficialType): (reader: object) => unknown;
  };
  readonly t: Readonly<Record<"string" | "u64" | "bool" | "identity", () => Column>> & {
    option(of: Column): Column;
  };
  readonly table: (options: object, columns: Readonly<Record<string, Column>>) => object;
  readonly schema: (tables: Readonly<Record<string, object>>) => {
    readonly schemaType: { readonly tables: object };
  };
  readonly reducerSchema: (name: string, args: Readonly<Record<string, Column>>) => object;
  readonly reducers: (...reducers: readonly object[]) => {
    readonly reducersType: { readonly reducers: object };
  };
  readonly procedures: () => object;
  readonly DbConnectionBuilder: new (module: object, make: (config: object) => Connection) => Builder;
  readonly DbConnectionImpl: new (config: object) => Connection;
  readonly setGlobalLogLevel: (level: string) => void;
  readonly BinaryReader: new (bytes: Uint8Array) => object;
  readonly BinaryWriter: new (capacity: number) => Writer;
};

export const official = library as unknown as Library;
