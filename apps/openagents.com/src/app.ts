// The control service as a library: builds each noun's few dependencies once,
// and starts and stops them in order.

import { fileURLToPath } from "node:url";
import {
  createAuthority,
  createReceiptSigner,
  openFollower,
  startAnnouncer,
  type Authority,
  type Follower,
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
  createMetrics,
  createServiceApp,
  type After,
  type Logger,
  type ServiceApp,
} from "@openagents/service";
import { createAccess, type Access } from "./access.ts";
import { agentLanes } from "./agent-lanes.ts";
import type { ControlConfig } from "./config.ts";
import { findDeviceOwner } from "./devices/index.ts";
import { distributionRoutes } from "./distribution/index.ts";
import { createIdentity, registerLocalLinkRequest, type Identity, type Limits } from "./identity/index.ts";
import { createMailer } from "./mail/index.ts";
import { forwardToRuntime } from "./gateway/index.ts";
import { receiptRoutes } from "./receipts/index.ts";
import { CONSOLE_DIR, servePages } from "./web/index.ts";
import { personLanes } from "./person-lanes.ts";
import type { FindDeviceOwner } from "./persons/index.ts";
import { serveRetiredLanes } from "./retired/index.ts";
import { createServiceToken, createSigner } from "./tokens/index.ts";
import { startStats, statsRoutes } from "./stats/index.ts";
import { createFindInclusion, startHandover } from "./transparency/index.ts";
import { serveWebhooks } from "./webhooks/index.ts";

export type ControlDeps = {
  readonly log: Logger;
  /** The wall clock when absent. */
  readonly nowMs?: () => number;
  /** Where the built console is; where its build leaves it, when absent. */
  readonly consoleDir?: string;
  /** Whose a device is; the devices that are enrolled here when absent. */
  readonly findDeviceOwner?: FindDeviceOwner;
  /** How often somebody may try to sign in; our own limits when absent. */
  readonly signInLimits?: Limits;
  /** All addresses of a name that an organisation gave; the system's resolver when absent. */
  readonly resolve?: (name: string) => Promise<readonly string[]>;
  /** When what the service does by itself is done; the process's timers when absent. */
  readonly after?: After;
};

export type Control = {
  /** Migrate where the owner's address is given, check the schema, and serve. One that does not start holds nothing. */
  start(): Promise<{ readonly url: string }>;
  /** The address of a page that signs in the owner of this laptop, once; after the start. */
  createLocalLink: Identity["createLocalLink"];
  [Symbol.asyncDispose](): Promise<void>;
};

/** In the order in which they are applied. */
export const MIGRATIONS: readonly MigrationDirectory[] = [
  {
    name: "authority",
    path: fileURLToPath(new URL("../../../packages/authority/migrations", import.meta.url)),
  },
  { name: "control", path: fileURLToPath(new URL("../migrations", import.meta.url)) },
];

export function createControl(config: ControlConfig, deps: ControlDeps): Control {
  const resources = new AsyncDisposableStack();
  let identity: Identity | undefined;
  return {
    async start() {
      try {
        if (config.ownerDatabaseUrl !== undefined) {
          const appRole = decodeURIComponent(new URL(config.databaseUrl).username);
          await migrate({ url: config.ownerDatabaseUrl, directories: MIGRATIONS, appRole });
        }
        const db = connect({ url: config.databaseUrl, applicationName: "control_service" });
        resources.defer(() => db.close());
        await assertMigrated(db, MIGRATIONS);
        const address: PublicAddress = { url: config.publicUrl };
        const core = await buildCore(config, db, deps, resources);
        identity = resources.use(buildIdentity(config, db, deps, core.access, address));
        const service = buildService(config, db, deps, core, identity, resources);
        const started = await service.start();
        address.url ??= `http://localhost:${new URL(started.url).port}`;
        await identity.start();
        return started;
      } catch (error) {
        await resources.disposeAsync();
        throw error;
      }
    },
    async createLocalLink() {
      if (identity === undefined) throw new Error("the control service has not started");
      return identity.createLocalLink();
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** Known once the service listens, where the configuration does not say it. */
type PublicAddress = { url: string | undefined };

function buildIdentity(
  config: ControlConfig,
  db: Database,
  { log, nowMs = Date.now, signInLimits }: ControlDeps,
  { audit, events }: Access,
  address: PublicAddress,
): Identity {
  return createIdentity({
    config,
    publicUrl: () => address.url ?? "http://localhost",
    db,
    mail: createMailer(config.mail, { nowMs, log }),
    audit,
    events,
    log,
    nowMs,
    limits: signInLimits,
  });
}

/** What everything else rests on: the one door, what follows the streams, and who may do what. */
type Core = { readonly authority: Authority; readonly follower: Follower; readonly access: Access };

async function buildCore(
  config: ControlConfig,
  db: Database,
  { log, nowMs = Date.now }: ControlDeps,
  resources: AsyncDisposableStack,
): Promise<Core> {
  const announcer = resources.use(startAnnouncer({ db, log }));
  const authority = createAuthority({
    db,
    nowMs,
    streams: { ofReceipt: () => [], committed: (streamIds) => announcer.announce(streamIds) },
  });
  const follower = resources.use(await openFollower(db));
  const access = resources.use(await createAccess({ config, db, authority, follower, log, nowMs }));
  return { authority, follower, access };
}

function buildService(
  config: ControlConfig,
  db: Database,
  deps: ControlDeps,
  { authority, follower, access }: Core,
  identity: Identity,
  resources: AsyncDisposableStack,
): ServiceApp {
  const { log, nowMs = Date.now, consoleDir = CONSOLE_DIR } = deps;
  const metrics = createMetrics("control_service");
  metrics.gauge("openagents_database_connections", "Open database connections.", () => db.stats.total);
  metrics.gauge("openagents_database_waiting", "Callers that wait for a connection.", () => db.stats.waiting);

  const signer = createSigner({ ...config, nowMs });
  const token = createServiceToken(signer, ["streams:read"]);
  const stats = resources.use(startStats({ runtimeUrl: config.runtimeUrl, token, log, after: deps.after }));
  const { runtimeUrl } = config;
  const append = createServiceToken(signer, ["log:append"]);
  const handover = resources.use(startHandover({ db, runtimeUrl, token: append, nowMs, log }));
  metrics.gauge(
    "openagents_log_handover_lag_seconds",
    "Time since the transparency log was last known to have been given all receipts.",
    () => Math.max(0, nowMs() - handover.stats.caughtUpAtMs) / 1000,
  );
  let openApiText = "";
  const bindings: Binding[] = [
    distributionRoutes({ openApiText: () => openApiText }),
    receiptRoutes({
      db,
      signer: createReceiptSigner(config.receiptSigningKey),
      findInclusion: createFindInclusion(runtimeUrl),
    }),
    ...access.bindings(identity),
    ...agentLanes({
      db,
      authority,
      follower,
      config,
      findDeviceOwner: deps.findDeviceOwner ?? findDeviceOwner,
      resolve: deps.resolve,
      nowMs,
      log,
      resources,
    }),
    ...personLanes({
      db,
      authority,
      config,
      findDeviceOwner: deps.findDeviceOwner ?? findDeviceOwner,
      resolve: deps.resolve,
      log,
      nowMs,
      after: deps.after,
      resources,
    }),
    statsRoutes({ latest: () => stats.latest() }),
  ];
  const service = createServiceApp({
    service: "control_service",
    version: config.version,
    host: config.host,
    port: config.port,
    authenticate: access.authenticate,
    bindings,
    problemOf: databaseProblem,
    readiness: [{ name: "database", check: () => probeDatabase(db) }],
    metrics,
    log,
    nowMs,
  });
  openApiText = JSON.stringify(
    openApi(service.contracts, { title: "OpenAgents control", version: config.version }),
  );
  access.register(service.app, identity);
  identity.register(service.app);
  registerLocalLinkRequest(service.app, {
    config,
    authenticate: access.authenticate,
    create: () => identity.createLocalLink(),
  });
  servePages(service.app, {
    consoleDir,
    syncUrl: config.syncUrl,
    publicUrl: config.publicUrl,
    desktopDownloadUrl: config.desktopDownloadUrl,
  });
  serveWebhooks(service.app, { authority, resendSecret: config.resendWebhookSecret, nowMs });
  serveRetiredLanes(service.app);
  const gateway = forwardToRuntime(service.app, { runtimeUrl: config.runtimeUrl });
  resources.defer(() => {
    // Whoever waits is let go, so that the drain is short.
    follower.release();
    gateway.release();
    return service.stop();
  });
  return service;
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
