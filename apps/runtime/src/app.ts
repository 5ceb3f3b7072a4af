// The runtime as a library: builds each noun's few dependencies once, and
// starts and stops them in order.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  createAuthority,
  createReceiptSigner,
  getMode,
  openFollower,
  startAnnouncer,
} from "@openagents/authority";
import { ProblemError, openApi, type Binding } from "@openagents/contracts";
import {
  assertMigrated,
  connect,
  isConnectionLoss,
  migrate,
  type Database,
  type MigrationDirectory,
} from "@openagents/postgres";
import {
  createAuthenticator,
  createMetrics,
  createOutbound,
  createServiceApp,
  followRevocations,
  type After,
  type Logger,
  type ServiceApp,
} from "@openagents/service";
import { fraudRoutes, startAdjudicator } from "./adjudication/index.ts";
import {
  artifactRoutes,
  diskStore,
  keepAsEvidence,
  openArrivals,
  openReader,
  QUOTA_DEFAULT,
  s3Store,
  startCollector,
} from "./artifacts/index.ts";
import { budgetRoutes } from "./budgets/index.ts";
import { commerceRoutes } from "./commerce/index.ts";
import { blockRoutes } from "./blocks/index.ts";
import { commsRoutes } from "./comms/index.ts";
import type { RuntimeConfig } from "./config.ts";
import { cancelRun } from "./cancellation/index.ts";
import { disableWorker } from "./disablement/index.ts";
import { fallBack, startLeaseSweep, sweepLeases } from "./fallback/index.ts";
import { intentRoutes } from "./intents/index.ts";
import { jobRoutes, openOffers } from "./jobs/index.ts";
import { marketplaceRoutes } from "./marketplace/index.ts";
import { startMirror } from "./mirror/index.ts";
import { operationsRoutes } from "./operations/index.ts";
import { DEFAULT_LIMITS, createRateLimits } from "./rate-limits/index.ts";
import { panelRoutes } from "./panels/index.ts";
import { listPushes, startPushes } from "./push/index.ts";
import { receiptRoutes } from "./receipts/index.ts";
import { exportRoutes } from "./exports/index.ts";
import { projectorRoutes, startProjector } from "./projections/index.ts";
import { runRoutes, startExecutorSweep } from "./runs/index.ts";
import { samplingRoutes, type RandomBytes } from "./sampling/index.ts";
import { openTransferBatch, startReconciler, treasuryRoutes } from "./treasury/index.ts";
import { publishLog, startSequencer, transparencyRoutes } from "./transparency/index.ts";
import { receiptEvents } from "./stream-events/index.ts";
import { streamRoutes, startStreamSweep } from "./streams/index.ts";
import { statementRoutes } from "./statements/index.ts";
import { startStalledJobs } from "./stalled-jobs/index.ts";
import { openJudge, verificationRoutes } from "./verification/index.ts";
import { workerRoutes } from "./workers/index.ts";

export type RuntimeDeps = {
  readonly log: Logger;
  /** The wall clock when absent. */
  readonly nowMs?: () => number;
  /** All addresses of a name that a provider gave; the system's resolver when absent. */
  readonly resolve?: (name: string) => Promise<readonly string[]>;
  /** When what the runtime does by itself is done; the process's timers when absent. */
  readonly after?: After;
  /** What sampling seeds are made of; the system's when absent. */
  readonly randomBytes?: RandomBytes;
};

/** Money that lies unused has waited for hours; some seconds more are nothing. */
const RECONCILE_EVERY_MS = 10_000;

/** A buyer has been gone for minutes when its job is gone on with. */
const STALLED_EVERY_MS = 5_000;

export type Runtime = {
  /** Migrate where the owner's address is given, check the schema, and serve. One that does not start holds nothing. */
  start(): Promise<{ readonly url: string }>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** In the order in which they are applied. */
export const MIGRATIONS: readonly MigrationDirectory[] = [
  {
    name: "authority",
    path: fileURLToPath(new URL("../../../packages/authority/migrations", import.meta.url)),
  },
  { name: "ledger", path: fileURLToPath(new URL("../../../packages/ledger/migrations", import.meta.url)) },
  { name: "runtime", path: fileURLToPath(new URL("../migrations", import.meta.url)) },
];

export function createRuntime(config: RuntimeConfig, deps: RuntimeDeps): Runtime {
  const nowMs = deps.nowMs ?? Date.now;
  const resources = new AsyncDisposableStack();

  return {
    async start() {
      try {
        if (config.ownerDatabaseUrl !== undefined) {
          const appRole = decodeURIComponent(new URL(config.databaseUrl).username);
          await migrate({ url: config.ownerDatabaseUrl, directories: MIGRATIONS, appRole });
        }
        const db = connect({ url: config.databaseUrl, applicationName: "runtime_service" });
        resources.defer(() => db.close());
        await assertMigrated(db, MIGRATIONS);
        const { service, push } = await buildService(config, db, deps, nowMs, resources);
        const started = await service.start();
        resources.use(push(config.publicUrl ?? started.url));
        return started;
      } catch (error) {
        await resources.disposeAsync();
        throw error;
      }
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

async function buildService(
  config: RuntimeConfig,
  db: Database,
  { log, resolve, after, randomBytes }: RuntimeDeps,
  nowMs: () => number,
  resources: AsyncDisposableStack,
): Promise<{ readonly service: ServiceApp; readonly push: (runtimeUrl: string) => AsyncDisposable }> {
  const published = await publishLog({ db, origin: config.logOrigin, signingKey: config.logSigningKey });
  const announcer = resources.use(startAnnouncer({ db, log }));
  const authority = createAuthority({
    db,
    nowMs,
    streams: { ofReceipt: receiptEvents, committed: (streamIds) => announcer.announce(streamIds) },
  });
  const limits = createRateLimits({ db, limits: config.rateLimits ?? DEFAULT_LIMITS, nowMs });
  const signer = createReceiptSigner(config.receiptSigningKey);
  const outbound = createOutbound({
    allowLoopback: config.pushToLoopback,
    ...(resolve === undefined ? {} : { resolve }),
  });
  const arrivals = await openArrivals(join(config.artifactsDir, "incoming"));
  const store = config.s3 === undefined ? diskStore(config.artifactsDir) : s3Store(config.s3);
  const artifacts = openReader({ db, store, nowMs });
  const quota = config.artifactQuota ?? QUOTA_DEFAULT;
  const judge = openJudge({ db, artifacts });
  const offers = await openOffers(db);
  resources.defer(() => offers.close());
  const follower = resources.use(await openFollower(db));
  const metrics = createMetrics("runtime_service");
  const mirror =
    config.spacetime === undefined
      ? undefined
      : resources.use(startMirror({ db, settings: config.spacetime, follower, log, nowMs }));
  if (mirror !== undefined) {
    const { stats } = mirror;
    metrics.gauge(
      "openagents_mirror_behind",
      "Events that SpacetimeDB was not handed yet.",
      () => stats.behind,
    );
    metrics.gauge("openagents_mirror_waiting", "Streams that SpacetimeDB refuses.", () => stats.waiting);
  }
  metrics.gauge("openagents_database_connections", "Open database connections.", () => db.stats.total);
  const sequencer = resources.use(startSequencer({ db, nowMs, log }));
  metrics.gauge("openagents_log_entries", "Entries of the transparency log.", () => sequencer.stats.size);
  metrics.gauge(
    "openagents_log_lag_seconds",
    "Time since the transparency log was last known to hold everything committed.",
    () => Math.max(0, nowMs() - sequencer.stats.caughtUpAtMs) / 1000,
  );
  metrics.gauge("openagents_database_waiting", "Callers that wait for a connection.", () => db.stats.waiting);

  let openApiText = "";
  const bindings: Binding[] = [
    runRoutes({
      db,
      follower,
      nowMs,
      authority,
      signer,
      keepArtifacts: keepAsEvidence,
      cancelRun: (request, call) => cancelRun({ authority }, call, request),
    }),
    exportRoutes({ db, authority }),
    projectorRoutes({ db, authority }),
    receiptRoutes({ db, signer, published, sequencer }),
    transparencyRoutes({ authority, published }),
    workerRoutes({
      db,
      authority,
      limits,
      nowMs,
      outbound,
      disableWorker: (request, call) => disableWorker({ authority, offers }, call, request),
    }),
    artifactRoutes({ db, authority, store, arrivals, artifacts, quota, nowMs }),
    intentRoutes({ db }),
    blockRoutes({ db, authority }),
    jobRoutes({
      db,
      authority,
      limits,
      offers,
      nowMs,
      fallBack,
      sweepLeases: (call) => sweepLeases({ db, authority, offers, nowMs }, call),
      listPushes: (workerId, jobIds) => listPushes(db, workerId, jobIds),
    }),
    marketplaceRoutes({ db, artifacts, authority, limits, offers, signer, nowMs }),
    panelRoutes({ db, artifacts, authority, limits, signer, nowMs }),
    commerceRoutes({ db }),
    verificationRoutes({ db, authority, offers, judge }),
    samplingRoutes({ db, authority, randomBytes }),
    fraudRoutes({ db, authority, offers, judge }),
    treasuryRoutes({
      db,
      authority,
      transfers: openTransferBatch(authority),
      nowMs,
      demoGrants: config.demoGrants,
    }),
    budgetRoutes({ db, authority, nowMs }),
    commsRoutes({ db, authority }),
    statementRoutes({ db }),
    streamRoutes({
      db,
      authority,
      nowMs,
      syncServerUrls: config.syncServerUrls ?? (() => []),
      mirror: mirror?.stats,
    }),
    operationsRoutes({ db, authority, openApiText: () => openApiText }),
  ];
  const revocations =
    config.revocations === undefined
      ? undefined
      : resources.use(followRevocations({ ...config.revocations, nowMs, log }));
  const service = createServiceApp({
    service: "runtime_service",
    version: config.version,
    host: config.host,
    port: config.port,
    authenticate: createAuthenticator({
      jwks: config.jwks,
      issuer: config.issuer,
      audience: config.audience,
      revocations,
      nowMs,
    }),
    bindings,
    problemOf: databaseProblem,
    readiness: [
      { name: "database", check: () => probeDatabase(db) },
      {
        name: "revocations",
        check: async () =>
          revocations?.isCurrent() === false ? "Control tells of no revocations." : undefined,
      },
      // Frozen is no failure: reads are served. Whoever looks sees it all the same.
      { name: "authority_mode", check: async () => undefined, note: async () => (await getMode(db)).mode },
    ],
    metrics,
    log,
    nowMs,
  });
  openApiText = JSON.stringify(
    openApi(service.contracts, { title: "OpenAgents runtime", version: config.version }),
  );
  // Disposed in reverse: first nobody waits for a job any more, then requests end.
  resources.defer(() => service.stop());
  resources.defer(() => offers.release());
  resources.defer(() => follower.release());
  resources.use(startCollector({ db, authority, store, nowMs, log, after }));
  const stalledEveryMs = config.stalledEveryMs ?? STALLED_EVERY_MS;
  const sweeps = { db, authority, offers, judge, log, nowMs, after };
  resources.use(startStalledJobs({ ...sweeps, everyMs: stalledEveryMs, randomBytes }));
  resources.use(startAdjudicator(sweeps));
  resources.use(startExecutorSweep(sweeps));
  resources.use(startLeaseSweep({ ...sweeps, everyMs: config.leaseSweepEveryMs }));
  resources.use(startProjector(sweeps));
  resources.use(startStreamSweep({ ...sweeps, announcer, everyMs: config.streamSweepEveryMs }));
  resources.use(startReconciler({ ...sweeps, everyMs: config.reconcileEveryMs ?? RECONCILE_EVERY_MS }));
  return {
    service,
    push: (runtimeUrl) => startPushes({ db, authority, offers, outbound, signer, runtimeUrl, log, nowMs }),
  };
}

/** A database that is away is a 503 that says when to come back, also for reads outside of the authority. */
function databaseProblem(error: unknown): ProblemError | undefined {
  if (!isConnectionLoss(error)) return undefined;
  return new ProblemError({
    status: 503,
    code: "database_unavailable",
    detail: "The database is not to be had now. Try again shortly.",
    retryAfterMs: 1_000,
    cause: error,
  });
}

async function probeDatabase(db: Database): Promise<string | undefined> {
  await assertMigrated(db, MIGRATIONS);
  return undefined;
}
