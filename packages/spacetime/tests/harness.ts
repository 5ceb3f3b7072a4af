// A sync server over a real database, with streams that the tests write as their
// owner does, and clients that speak the protocol alone.

import { randomBytes } from "node:crypto";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import type { Database } from "@openagents/postgres";
import { silentLogger } from "@openagents/service";
import type { JsonObject } from "@openagents/receipts";
import { hashPayload, payloadText } from "@openagents/streams";
import {
  CHECKPOINT_MIGRATIONS,
  SCOPES,
  SYNC_AUDIENCE,
  createSyncServer,
  grantStreamReads,
  type SyncServer,
  type SyncServerConfig,
} from "@openagents/spacetime";
import { testDatabase } from "@openagents/testing";
import { SignJWT, exportJWK, generateKeyPair } from "jose";
import pg from "pg";
import { RawClient, type RawClientOptions } from "./raw-client.ts";
import { until } from "./until.ts";

const AUTHORITY = {
  name: "authority",
  path: fileURLToPath(new URL("../../authority/migrations", import.meta.url)),
};

export const ISSUER = "https://control.example";

export type TokenOptions = {
  readonly sub?: string;
  readonly org?: string;
  readonly streams?: readonly string[];
  readonly scopes?: readonly string[];
  readonly sid?: string;
  readonly jti?: string;
  readonly ttlS?: number;
  readonly audience?: string;
};

export type Harness = {
  readonly url: string;
  /** Of the streams' database, as their writer. */
  readonly db: Database;
  readonly ownerUrl: string;
  readonly adminUrl: string;
  readonly config: SyncServerConfig;
  token(options?: TokenOptions): Promise<string>;
  /** A client with a session; the token reaches what `streams` names. */
  client(options?: TokenOptions & RawClientOptions): Promise<RawClient>;
  append(
    streamId: string,
    count?: number,
    options?: { tenant?: string; size?: number; keepNewest?: number },
  ): Promise<void>;
  appendPayload(streamId: string, kind: string, facts: JsonObject): Promise<void>;
  /** A session by a token that there is already. */
  connect(token: string, url?: string): Promise<RawClient>;
  /** Once the server has looked at the streams by the clock as it is now. */
  current(): Promise<void>;
  /** Run as the server's superuser on the streams' database. */
  admin(sql: string): Promise<void>;
  /** As the announcer does; without it, events are found by looking. */
  announce(...streamIds: string[]): Promise<void>;
  startServer(config?: Partial<SyncServerConfig>): Promise<{ url: string; server: SyncServer }>;
};

export async function startHarness(
  t: TestContext,
  config: Partial<SyncServerConfig> & { readonly nowMs?: () => number } = {},
): Promise<Harness> {
  const nowMs = config.nowMs ?? Date.now;
  // Before the databases, because hooks run in the order of their registration.
  const resources = new AsyncDisposableStack();
  t.after(() => resources.disposeAsync());
  const streams = await testDatabase(t, { directories: [AUTHORITY] });
  const checkpoints = await testDatabase(t, { directories: [CHECKPOINT_MIGRATIONS] });
  const streamsDatabaseUrl = await readOnlyUrl(t, streams.adminUrl, streams.ownerUrl);
  const { privateKey, publicKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const full: SyncServerConfig = {
    host: "127.0.0.1",
    port: 0,
    streamsDatabaseUrl,
    controlStreamsDatabaseUrl: streamsDatabaseUrl,
    databaseUrl: checkpoints.url,
    jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: "k1", alg: "EdDSA" }] },
    issuer: ISSUER,
    version: "test",
    ...config,
  };

  async function token(options: TokenOptions = {}): Promise<string> {
    const iat = Math.floor(nowMs() / 1000);
    return new SignJWT({
      org: options.org ?? "org_a",
      scopes: options.scopes ?? [SCOPES.subscribe, SCOPES.writeCheckpoints],
      streams: options.streams ?? [],
      sid: options.sid ?? "ses_1",
    })
      .setProtectedHeader({ alg: "EdDSA", kid: "k1" })
      .setIssuer(ISSUER)
      .setAudience(options.audience ?? SYNC_AUDIENCE)
      .setSubject(options.sub ?? "usr_1")
      .setJti(options.jti ?? randomBytes(8).toString("hex"))
      .setIssuedAt(iat)
      .setExpirationTime(iat + (options.ttlS ?? 300))
      .sign(privateKey);
  }

  async function startServer(overrides: Partial<SyncServerConfig> = {}) {
    const server = createSyncServer({ ...full, ...overrides }, { log: silentLogger(), nowMs });
    resources.use(server);
    const { url } = await server.start();
    return { url, server };
  }

  const { url } = await startServer();

  async function connect(token: string, options: RawClientOptions = {}): Promise<RawClient> {
    const client = await RawClient.connect(options.url ?? url, token, options);
    resources.defer(() => client.close());
    return client;
  }

  return {
    url,
    db: streams.db,
    ownerUrl: streams.ownerUrl,
    adminUrl: streams.adminUrl,
    config: full,
    token,
    startServer,
    client: async (options = {}) => connect(await token(options), options),
    connect: (given, at) => connect(given, at === undefined ? {} : { url: at }),
    append: (streamId, count = 1, { tenant = "org_a", size = 10, keepNewest } = {}) =>
      append(streams.db, {
        streamId,
        count,
        tenant,
        keepNewest,
        payload: payloadText("test.happened", nowMs(), { text: "x".repeat(size) }),
        atMs: nowMs(),
      }),
    appendPayload: (streamId, kind, facts) =>
      append(streams.db, {
        streamId,
        count: 1,
        tenant: "org_operator",
        keepNewest: undefined,
        payload: payloadText(kind, nowMs(), facts),
        atMs: nowMs(),
      }),
    announce: (...streamIds) => streams.db.notify("openagents_streams", streamIds.join("\n")),
    current: () => until(async () => (await fetch(`${url}/readyz`)).ok),
    async admin(sql) {
      const client = new pg.Client({ connectionString: streams.adminUrl });
      await client.connect();
      await client.query(sql);
      await client.end();
    },
  };
}

type Appended = {
  readonly streamId: string;
  readonly count: number;
  readonly tenant: string;
  readonly keepNewest: number | undefined;
  readonly payload: string;
  readonly atMs: number;
};

/** The statement of the authority's own writes. */
async function append(
  db: Database,
  { streamId, count, tenant, keepNewest, payload, atMs }: Appended,
): Promise<void> {
  await db.query(
    {
      name: "test.append",
      text: `INSERT INTO sync.stream_events (stream_id, seq, payload_hash, payload, committed_at_ms)
             SELECT $1, h.last_seq - $2::bigint + n, $4, $5, $6
               FROM generate_series(1, $2::bigint) AS n,
                    sync.advance_heads(
                      array_fill($1::text, ARRAY[$2::int]), array_fill($3::text, ARRAY[$2::int]),
                      array_fill($7::int, ARRAY[$2::int]), array_fill($6::bigint, ARRAY[$2::int])) AS h`,
    },
    [streamId, count, tenant, hashPayload(payload), payload, Math.trunc(atMs), keepNewest ?? null],
  );
}

async function readOnlyUrl(t: TestContext, adminUrl: string, ownerUrl: string): Promise<string> {
  const role = `oa_test_sync_${randomBytes(6).toString("hex")}`;
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD 'sync'`);
  await admin.end();
  await grantStreamReads(ownerUrl, role);
  t.after(async () => {
    const server = new URL(adminUrl);
    server.pathname = "/postgres";
    const ending = new pg.Client({ connectionString: server.href });
    await ending.connect();
    await ending.query(`DROP ROLE ${role}`);
    await ending.end();
  });
  const url = new URL(adminUrl);
  url.username = role;
  url.password = "sync";
  return url.href;
}
