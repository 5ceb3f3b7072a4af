// Boots everything a laptop needs in one process: keys, database, services. In
// production each service starts by itself; nothing here decides anything.

import { startDatabase, type StackDatabase } from "./database.ts";
import { dataDirAt, type DataDir } from "./data-dir.ts";
import { loadOrCreateKeys, logKeyOf, logOriginOf, publicTokenKey, type StackKeys } from "./keys.ts";
import { findHolder, takeLock, type FileLock } from "./lock.ts";
import { makePrivateFolder } from "./private-files.ts";
import { pinLog, pinOperator } from "./pins.ts";
import { assertPortsFree, choosePorts, planPorts, portInUse, type ServiceName } from "./ports.ts";
import { removeRecord, writeRecord, type StackRecord } from "./record.ts";
import { StackError } from "./stack-error.ts";
import {
  LOCAL_AUDIENCE,
  LOCAL_ISSUER,
  localOwner,
  mintToken,
  tokenSource,
  type LocalPrincipal,
  type TokenRequest,
} from "./tokens.ts";
import { publicKeyOf } from "@openagents/receipts";
import type { Environment, Logger } from "@openagents/service";

export type StackOptions = {
  readonly dataDir: string;
  /** This user's folder, where the stack's own receipt key is pinned. */
  readonly home: string;
  /** Undefined: the default ports. 0: any free port. N: N, N+1, … */
  readonly portBase?: number | undefined;
  /** A PostgreSQL server to use in place of the embedded one, as its administrator. */
  readonly databaseUrl?: string | undefined;
  /** Where this installation's registration at Google is read from, for mailboxes there; none when absent. */
  readonly env?: Environment | undefined;
  readonly version: string;
  readonly log: Logger;
  readonly nowMs?: () => number;
  /** Told what is being done next, for a person who waits. */
  readonly onStep?: (step: StackStep) => void;
};

export type StackStep = "keys" | "database" | "runtime" | "control" | "sync";

export type Stack = {
  readonly record: StackRecord;
  readonly keys: StackKeys;
  mintToken(request?: TokenRequest): Promise<string>;
  /** Stop in reverse order, finishing what runs. Safe to call twice. */
  stop(): Promise<void>;
};

/**
 * Start a stack on a data directory and wait until it serves.
 *
 * Throws `stack_running` when another one has the directory, `port_in_use`, and
 * what the parts throw; whatever was started is then stopped again. A directory
 * whose stack was killed is taken over: everything that was acknowledged is there.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const nowMs = options.nowMs ?? Date.now;
  const ports = planPorts(options.portBase);
  makePrivateFolder(options.dataDir);
  const dataDir = dataDirAt(options.dataDir);
  const { log } = options;

  await using parts = new AsyncDisposableStack();
  const lock = lockDataDir(dataDir);
  parts.defer(() => lock.release());
  removeRecord(dataDir);
  await assertPortsFree(ports);

  options.onStep?.("keys");
  const keys = await loadOrCreateKeys(dataDir);

  options.onStep?.("database");
  const database = await startDatabase({ dataDir, keys, externalUrl: options.databaseUrl });
  parts.defer(() => database.stop());

  const { runtimeUrl, syncUrl, controlUrl } = await startServices(
    { databases: database, keys, parts, version: options.version, env: options.env ?? {}, log },
    { ports, artifactsDir: dataDir.artifacts, nowMs, onStep: options.onStep },
  );

  // The second is control's, which signs what it decides by itself.
  for (const key of [keys.operatorKey, publicKeyOf(keys.control.receiptKey)])
    pinOperator({ home: options.home, key, label: `this computer, ${dataDir.root}`, nowMs: nowMs() });
  pinLog({
    home: options.home,
    key: logKeyOf(keys),
    label: `this computer, ${dataDir.root}`,
    nowMs: nowMs(),
  });
  const record: StackRecord = {
    pid: process.pid,
    version: options.version,
    startedAt: new Date(nowMs()).toISOString(),
    dataDir: dataDir.root,
    runtimeUrl,
    syncUrl,
    controlUrl,
    operatorPublicKey: keys.operatorKey,
  };
  writeRecord(dataDir, record);
  parts.defer(() => removeRecord(dataDir));
  log.info(
    { runtime_url: runtimeUrl, sync_url: syncUrl, control_url: controlUrl, data_dir: dataDir.root },
    "stack ready",
  );

  const running = parts.move();
  let stopping: Promise<void> | undefined;
  return {
    record,
    keys,
    mintToken: (request = {}) => mintToken(keys, request, nowMs()),
    stop() {
      stopping ??= running.disposeAsync().then(() => log.info("stack stopped"));
      return stopping;
    },
  };
}

/** What every service is given; and where it is stopped again. */
type Common = {
  readonly env: Environment;
  readonly databases: StackDatabase;
  readonly keys: StackKeys;
  readonly parts: AsyncDisposableStack;
  readonly version: string;
  readonly log: Logger;
};

type Start = Common & { readonly port: number };

type Services = {
  readonly ports: Readonly<Record<ServiceName, number>>;
  readonly artifactsDir: string;
  readonly nowMs: () => number;
  readonly onStep: StackOptions["onStep"];
};

type Urls = Pick<StackRecord, "runtimeUrl" | "syncUrl" | "controlUrl">;

/** A port that was free when it was chosen, and that another process took before we listened. */
const CHOICES_OF_PORTS = 5;

/** All of them, or none: each is told where the others will be before any of them listens. */
async function startServices(common: Common, services: Services): Promise<Urls> {
  for (let choice = 1; ; choice += 1) {
    await using parts = new AsyncDisposableStack();
    try {
      const urls = await startOnPorts({ ...common, parts }, services, await choosePorts(services.ports));
      common.parts.use(parts.move());
      return urls;
    } catch (error) {
      const isTaken = error instanceof StackError && error.code === "port_in_use";
      const isOurChoice = Object.values(services.ports).includes(0);
      if (!isTaken || !isOurChoice || choice === CHOICES_OF_PORTS) throw error;
      common.log.info({ err: error }, "a chosen port was taken in between: others are chosen");
    }
  }
}

async function startOnPorts(
  common: Common,
  { artifactsDir, nowMs, onStep }: Services,
  ports: Readonly<Record<ServiceName, number>>,
): Promise<Urls> {
  const runtimeUrl = `http://127.0.0.1:${ports.runtime}`;
  const syncUrl = `http://127.0.0.1:${ports.sync}`;

  // First, because the runtime takes no command before it has heard of revocations.
  onStep?.("control");
  const controlUrl = await startControl({ ...common, port: ports.control, syncUrl, runtimeUrl });

  onStep?.("runtime");
  const syncServerUrls: string[] = [];
  makePrivateFolder(artifactsDir);
  await startRuntime({
    ...common,
    port: ports.runtime,
    artifactsDir,
    controlUrl,
    syncServerUrls: () => syncServerUrls,
    nowMs,
  });

  onStep?.("sync");
  await startSync({ ...common, port: ports.sync });
  syncServerUrls.push(syncUrl);
  return { runtimeUrl, syncUrl, controlUrl };
}

async function startRuntime(
  options: Start & {
    readonly artifactsDir: string;
    readonly controlUrl: string;
    readonly syncServerUrls: () => readonly string[];
    readonly nowMs: () => number;
  },
): Promise<void> {
  const { port, databases, keys, parts, version, log, nowMs } = options;
  // Loaded here because commands that only look at a data directory must start fast.
  const { createRuntime } = await import("@openagents/runtime");
  const runtime = createRuntime(
    {
      host: "127.0.0.1",
      port,
      databaseUrl: databases.appUrl,
      ownerDatabaseUrl: databases.ownerUrl,
      artifactsDir: options.artifactsDir,
      jwks: { keys: [publicTokenKey(keys)] },
      issuer: LOCAL_ISSUER,
      audience: LOCAL_AUDIENCE,
      revocations: { url: options.controlUrl, token: tokenSource(keys, RUNTIME, nowMs) },
      receiptSigningKey: keys.receiptKey,
      logOrigin: logOriginOf(keys),
      logSigningKey: keys.logKey,
      demoGrants: true,
      pushToLoopback: true,
      syncServerUrls: options.syncServerUrls,
      version,
    },
    { log },
  );
  parts.use(runtime);
  const { url } = await runtime.start().catch((cause: unknown) => {
    throw isAddressInUse(cause) ? portInUse("runtime", port, cause) : cause;
  });
  // By itself it counts the market once a minute, and a laptop's owner looks sooner.
  const { Streams, createClient } = await import("@openagents/contracts");
  const token = tokenSource(keys, STATISTICIAN, nowMs);
  await createClient(Streams, { baseUrl: url, token })
    .publishStats({})
    .catch((err: unknown) => log.warn({ err }, "the figures of the market come in a minute"));
}

const STATISTICIAN: LocalPrincipal = {
  sub: "svc_stack",
  org: "org_operator",
  zone: "0",
  scopes: ["admin", "streams:seal"],
};

/** The runtime, as control knows it. */
const RUNTIME: LocalPrincipal = {
  sub: "svc_runtime",
  org: "org_operator",
  zone: "0",
  scopes: ["revocations:read"],
};

/** Tokens are signed by this directory's key, whether control or the command line mints them. */
async function startControl(
  options: Start & { readonly syncUrl: string; readonly runtimeUrl: string },
): Promise<string> {
  const { port, syncUrl, runtimeUrl, databases, keys, parts, version, env, log } = options;
  const { createControl, googleFromEnv } = await import("@openagents/control");
  const owner = localOwner(keys);
  // Passkeys refuse bare addresses.
  const publicUrl = `http://localhost:${port}`;
  const control = createControl(
    {
      host: "127.0.0.1",
      port,
      publicUrl,
      databaseUrl: databases.control.appUrl,
      ownerDatabaseUrl: databases.control.ownerUrl,
      tokenKeys: [keys.tokenKey],
      issuer: LOCAL_ISSUER,
      audience: LOCAL_AUDIENCE,
      receiptSigningKey: keys.control.receiptKey,
      authSecret: keys.control.authSecret,
      sealingKeys: [keys.control.sealingKey],
      mail: { kind: "development" },
      google: googleFromEnv(env),
      trustedProxies: [],
      operators: [],
      localOwner: { userId: owner.sub, orgId: owner.org },
      runtimeUrl,
      syncUrl,
      development: true,
      version,
    },
    { log },
  );
  parts.use(control);
  await control.start().catch((cause: unknown) => {
    throw isAddressInUse(cause) ? portInUse("control", port, cause) : cause;
  });
  return publicUrl;
}

/** The sync server reads what the migrations of the others made, so that it starts behind them. */
async function startSync(options: Start): Promise<void> {
  const { port, databases, keys, parts, version, log } = options;
  const { createSyncServer, grantStreamReads } = await import("@openagents/spacetime");
  const { sync } = databases;
  await grantStreamReads(databases.ownerUrl, sync.streamsRole);
  await grantStreamReads(databases.control.ownerUrl, sync.streamsRole);
  const server = createSyncServer(
    {
      host: "127.0.0.1",
      port,
      streamsDatabaseUrl: sync.streamsUrl,
      controlStreamsDatabaseUrl: sync.controlStreamsUrl,
      databaseUrl: sync.appUrl,
      ownerDatabaseUrl: sync.ownerUrl,
      jwks: { keys: [publicTokenKey(keys)] },
      issuer: LOCAL_ISSUER,
      version,
    },
    { log },
  );
  parts.use(server);
  await server.start().catch((cause: unknown) => {
    throw isAddressInUse(cause) ? portInUse("sync", port, cause) : cause;
  });
}

function lockDataDir(dataDir: DataDir): FileLock {
  const lock = takeLock(dataDir.lock);
  if (lock !== undefined) return lock;
  const holder = findHolder(dataDir.lock);
  throw new StackError(
    "stack_running",
    holder === undefined
      ? `another command is using ${dataDir.root} at this moment`
      : `a stack is already running on ${dataDir.root} (pid ${holder.pid})`,
    "see `openagents status`; end it with `openagents down`, or choose another --data-dir",
  );
}

function isAddressInUse(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EADDRINUSE";
}
