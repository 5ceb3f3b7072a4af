// The sync server: delivers the streams of the authority over SpacetimeDB's
// client protocol. Holds no truth; any number of them run beside one another.

import type { IncomingMessage } from "node:http";
import { fileURLToPath } from "node:url";
import type { Duplex } from "node:stream";
import { ProblemError } from "@openagents/contracts";
import { assertMigrated, connect, migrate, type MigrationDirectory } from "@openagents/postgres";
import { assertLoopbackRequest, createServiceApp, type KeySource, type Logger } from "@openagents/service";
import { WebSocketServer } from "ws";
import { PROTOCOLS } from "../protocol/index.ts";
import { createTokenVerifier, type Claims } from "./claims.ts";
import { startFeeds, type Feeds } from "./feeds.ts";
import { allowCrossOrigin } from "./cross-origin.ts";
import { mountHttp } from "./http.ts";
import { LIMITS, type Limits } from "./limits.ts";
import { createSyncMetrics } from "./metrics.ts";
import { Presence } from "./presence.ts";
import type { ReducersDeps } from "./reducers.ts";
import { followRevocations, type Revocations } from "./revocations.ts";
import { Session, type SessionDeps } from "./session.ts";
import { Sessions } from "./sessions.ts";
import { openStreamStore } from "./stream-store.ts";
import { bearerOf, readUpgrade, refuseUpgrade } from "./upgrade.ts";

export type SyncServerConfig = {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** The runtime's database, where it writes its streams, as a role that may only read them. */
  readonly streamsDatabaseUrl: string;
  /** The same of the control service. */
  readonly controlStreamsDatabaseUrl: string;
  /** The server's own database, as a role that may not alter its schema. */
  readonly databaseUrl: string;
  /** Of the role that owns that schema; migrations run at start when it is given. */
  readonly ownerDatabaseUrl?: string | undefined;
  /** Keys that sign sync tokens. */
  readonly jwks: KeySource;
  readonly issuer: string;
  /** Of pages that are served elsewhere and may ask for sessions; on loopback those of this computer may. */
  readonly allowedOrigins?: readonly string[] | undefined;
  readonly limits?: Partial<Limits> | undefined;
  readonly version: string;
};

export type SyncServerDeps = { readonly log: Logger; readonly nowMs?: () => number };

export type SyncServer = AsyncDisposable & { start(): Promise<{ readonly url: string }> };

export const CHECKPOINT_MIGRATIONS: MigrationDirectory = {
  name: "spacetime",
  path: fileURLToPath(new URL("../../migrations", import.meta.url)),
};

/** Streams that are told of at once, to whoever looks after the server. */
const STREAMS_SHOWN_MAX = 100;

const SWEEP_MS = 250;

/** How old the last look at the revocations may be before nobody new is let in. */
const REVOCATIONS_AGE_MS_MAX = 4_000;

/** How long clients get to say goodbye once a drain began. */
const DRAIN_MS = 2_000;

export function createSyncServer(config: SyncServerConfig, deps: SyncServerDeps): SyncServer {
  const { log } = deps;
  const nowMs = deps.nowMs ?? Date.now;
  const limits: Limits = { ...LIMITS, ...config.limits };
  const metrics = createSyncMetrics();
  const streamsOf = (url: string) => connect({ url, applicationName: "openagents_sync", connectionsMax: 8 });
  const store = openStreamStore({
    runtime: streamsOf(config.streamsDatabaseUrl),
    control: streamsOf(config.controlStreamsDatabaseUrl),
  });
  const checkpointsDb = connect({
    url: config.databaseUrl,
    applicationName: "openagents_sync",
    connectionsMax: 4,
  });
  const sessions = new Sessions();
  const presence = new Presence(nowMs, (identityHex, table) => sessions.presenceChanged(identityHex, table));
  const verify = createTokenVerifier({ jwks: config.jwks, issuer: config.issuer, nowMs });
  const reducers: ReducersDeps = {
    checkpointsDb,
    presence,
    nowMs,
    onCheckpoint: (clientId, identityHex) => sessions.checkpointMoved(clientId, identityHex),
  };
  const running = new AsyncDisposableStack();
  running.use(store);
  running.defer(() => checkpointsDb.close());
  let draining = false;
  let live: { readonly feeds: Feeds; readonly revocations: Revocations } | undefined;

  async function authenticate(token: string | undefined): Promise<Claims> {
    if (token === undefined) {
      throw new ProblemError({
        status: 401,
        code: "token_missing",
        detail: "A session needs a sync token. Get one: POST /api/sync/token.",
      });
    }
    const claims = await verify(token);
    if (live === undefined || nowMs() - live.feeds.lookedAtMs > REVOCATIONS_AGE_MS_MAX) throw notCurrent();
    if (live.revocations.isRevoked(claims)) {
      throw new ProblemError({
        status: 401,
        code: "token_revoked",
        detail: "This access was taken back. Sign in again.",
      });
    }
    return claims;
  }

  const service = createServiceApp({
    service: "sync_service",
    version: config.version,
    host: config.host,
    port: config.port,
    // No contract is bound here but the public one of health.
    authenticate: async () => {
      throw new ProblemError({
        status: 401,
        code: "token_missing",
        detail: "There is nothing here for a token.",
      });
    },
    bindings: [],
    metrics: metrics.service,
    readiness: [
      {
        name: "streams",
        check: async () => {
          const ageMs = live === undefined ? Infinity : nowMs() - live.feeds.lookedAtMs;
          return ageMs <= REVOCATIONS_AGE_MS_MAX ? undefined : "The streams cannot be read.";
        },
      },
    ],
    log,
    nowMs,
  });
  running.defer(() => service.stop());
  metrics.service.gauge("openagents_sync_sessions", "Sessions that are open.", () => sessions.size);
  metrics.service.gauge(
    "openagents_sync_subscriptions",
    "Queries that are kept up to date.",
    () => sessions.queries,
  );
  metrics.service.gauge(
    "openagents_sync_waiting_bytes",
    "Bytes that clients have not taken yet.",
    () => sessions.waitingBytes,
  );
  metrics.service.gauge("openagents_sync_streams", "Streams that are followed.", () => live?.feeds.size ?? 0);
  metrics.service.gauge(
    "openagents_sync_lag_events_max",
    "Events that are committed and not read yet, of the stream that is most behind, at the last look.",
    () => live?.feeds.lagMax ?? 0,
  );
  allowCrossOrigin(service.app, {
    allowedOrigins: config.allowedOrigins ?? [],
    loopback: isLoopback(config.host),
  });
  mountHttp(service.app, {
    reducers,
    authenticate: (authorization) => authenticate(bearerOf(authorization)),
    observe: () => ({ sessions: sessions.size, streams: live?.feeds.lags(STREAMS_SHOWN_MAX) ?? [] }),
  });

  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: limits.frameBytes,
    perMessageDeflate: false,
    handleProtocols: (offered) => PROTOCOLS.find((known) => offered.has(known)) ?? false,
  });

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    if (isLoopback(config.host)) assertLoopbackRequest(request.headers.host, request.headers.origin);
    const { token, protocol, compression, connectionId } = readUpgrade(request);
    if (draining || live === undefined) throw notCurrent();
    const { feeds } = live;
    const claims = await authenticate(token);
    if (
      sessions.size >= limits.sessions ||
      sessions.countOf(claims.identityHex) >= limits.sessionsOfIdentity
    ) {
      throw new ProblemError({
        status: 429,
        code: "too_many_sessions",
        detail: "There are as many sessions as may be. Close some, or try again later.",
        retryAfterMs: 1_000,
      });
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const sessionDeps: SessionDeps = { ...reducers, store, feeds, limits, metrics, log };
      const session = new Session(sessionDeps, {
        socket: webSocket,
        protocol,
        compression,
        claims,
        connectionId,
      });
      sessions.add(session);
      presence.connected(claims.identityHex);
      webSocket.once("close", () => {
        session.release();
        sessions.remove(session);
        presence.disconnected(claims.identityHex);
      });
    });
  }

  function onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Until the WebSocket takes it over, a connection that breaks has nobody else who hears it.
    const ignore = (): void => undefined;
    socket.on("error", ignore);
    upgrade(request, socket, head).then(
      () => socket.off("error", ignore),
      (error: unknown) => {
        const problem = error instanceof ProblemError ? error : failed(error);
        if (problem.status === 500) log.error({ err: error }, "a session could not be opened");
        metrics.refused(problem.code);
        refuseUpgrade(socket, problem);
      },
    );
  }

  async function drain(): Promise<void> {
    draining = true;
    sessions.endWhere(() => true, "service_restart");
    const giveUpAtMs = performance.now() + DRAIN_MS;
    while (sessions.size > 0 && performance.now() < giveUpAtMs) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    sessions.terminate();
    sockets.close();
  }

  return {
    async start() {
      if (config.ownerDatabaseUrl !== undefined) {
        const appRole = decodeURIComponent(new URL(config.databaseUrl).username);
        await migrate({ url: config.ownerDatabaseUrl, directories: [CHECKPOINT_MIGRATIONS], appRole });
      }
      await assertMigrated(checkpointsDb, [CHECKPOINT_MIGRATIONS]);
      const feeds = await startFeeds({ store, log, nowMs, recentMax: limits.recentEvents });
      running.use(feeds);
      const revocations = await followRevocations({
        store,
        feeds,
        log,
        nowMs,
        onRevoked: () => sessions.endWhere((claims) => revocations.isRevoked(claims), "token_revoked"),
      });
      feeds.onRound(() => sessions.flush());
      live = { feeds, revocations };
      const sweeping = setInterval(() => sessions.sweep(nowMs()), SWEEP_MS);
      running.defer(() => clearInterval(sweeping));
      running.defer(drain);
      service.app.server.on("upgrade", onUpgrade);
      return service.start();
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function notCurrent(): ProblemError {
  return new ProblemError({
    status: 503,
    code: "not_ready",
    detail: "The server cannot open sessions now. Try again shortly, or at another one.",
    retryAfterMs: 1_000,
  });
}

function failed(cause: unknown): ProblemError {
  const detail = "The session could not be opened. Try again shortly.";
  return new ProblemError({ status: 500, code: "internal", detail, cause });
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}
