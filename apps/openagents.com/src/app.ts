// The control service as a library: builds each noun's few dependencies once,
// and starts and stops them in order.

import { fileURLToPath } from "node:url";
import {
  createAuthority,
  createReceiptSigner,
  getMode,
  openFollower,
  startAnnouncer,
  startIntentWorker,
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
import { controlPrincipal } from "./control-call.ts";
import { invitationMailer, invitationRoutes } from "./invitations/index.ts";
import { createMailer, type Mailer } from "./mail/index.ts";
import { forwardToRuntime } from "./gateway/index.ts";
import { MAINTENANCE, beginMaintenance, maintenanceRoutes } from "./maintenance/index.ts";
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
        if (config.maintenance !== undefined) await beginMaintenance(core.authority, config.maintenance);
        const mail = createMailer(config.mail, { nowMs: deps.nowMs ?? Date.now, log: deps.log });
        identity = resources.use(buildIdentity(config, db, deps, core.access, address, mail));
        const invitations = startInvitations(db, deps, core, mail.mailer, address, resources);
        const service = buildService(config, db, deps, core, identity, invitations, address, resources);
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

function publicUrlOf({ url = "http://localhost" }: PublicAddress): string {
  return url;
}

function buildIdentity(
  config: ControlConfig,
  db: Database,
  { log, nowMs = Date.now, signInLimits }: ControlDeps,
  { audit, events }: Access,
  address: PublicAddress,
  mail: ReturnType<typeof createMailer>,
): Identity {
  return createIdentity({
    config,
    publicUrl: () => publicUrlOf(address),
    db,
    mail,
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
    frozen: MAINTENANCE,
  });
  const follower = resources.use(await openFollower(db));
  const access = resources.use(await createAccess({ config, db, authority, follower, log, nowMs }));
  return { authority, follower, access };
}

/** Invitations, whose mails leave behind their commit. */
function startInvitations(
  db: Database,
  { log, nowMs = Date.now }: ControlDeps,
  { authority }: Core,
  mailer: Mailer,
  address: PublicAddress,
  resources: AsyncDisposableStack,
): Binding {
  const mails = resources.use(
    startIntentWorker({
      db,
      authority,
      nowMs,
      handlers: [invitationMailer({ db, mailer, publicUrl: () => publicUrlOf(address), nowMs })],
      principal: controlPrincipal("orgs:write"),
      onTrouble: (error, intentId) =>
        log.warn({ err: error, intent_id: intentId }, "an invitation's mail was not sent"),
    }),
  );
  return invitationRoutes({ authority, wake: () => mails.wake() });
}

function buildService(
  config: ControlConfig,
  db: Database,
  deps: ControlDeps,
  { authority, follower, access }: Core,
  identity: Identity,
  invitations: Binding,
  address: PublicAddress,
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
    maintenanceRoutes({ db, authority }),
    receiptRoutes({
      db,
      signer: createReceiptSigner(config.receiptSigningKey),
      findInclusion: createFindInclusion(runtimeUrl),
    }),
    ...access.bindings(identity),
    invitations,
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
      publicUrl: () => publicUrlOf(address),
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
    readiness: [
      { name: "database", check: () => probeDatabase(db) },
      { name: "authority_mode", check: async () => undefined, note: async () => (await getMode(db)).mode },
    ],
    metrics,
    log,
    nowMs,
  });
  openApiText = JSON.stringify({
    ...openApi(service.contracts, { title: "OpenAgents control", version: config.version }),
    externalDocs: { description: "Signing in, sessions and tokens.", url: "/api/auth/openapi.json" },
  });
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
