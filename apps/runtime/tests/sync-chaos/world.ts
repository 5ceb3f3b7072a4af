// A database, a runtime, two sync servers and the way to them, over many seeds.
// All but the way are processes, killed without a word.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import {
  connect,
  migrate,
  provisionDatabase,
  startEmbeddedPostgres,
  urlFor,
  type Database,
  type EmbeddedPostgres,
} from "@openagents/postgres";
import { MIGRATIONS } from "@openagents/runtime";
import { CHECKPOINT_MIGRATIONS, grantStreamReads } from "@openagents/spacetime";
import { startTcpProxy, type TcpProxy } from "@openagents/testing";
import { ISSUER, makeKeys, type Keys } from "./tokens.ts";

export type World = AsyncDisposable & {
  readonly folder: string;
  readonly keys: Keys;
  readonly runtimeUrl: string;
  /** The address of the sync servers. */
  readonly way: TcpProxy;
  /** As the runtime sees its database. */
  readonly db: Database;
  killRuntime(): Promise<void>;
  /** The one that the way leads to. */
  killSync(): Promise<void>;
  killDatabase(): Promise<void>;
  /** Lead the way to the other sync server, and break what goes the old one. */
  leadElsewhere(): void;
  /** Between two seeds: an embedded server is not started again after five deaths in a short time. */
  settle(): Promise<void>;
};

const DEATHS_MAX = 3;

export async function startWorld(t: TestContext): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), "oa-sync-chaos-"));
  await using parts = new AsyncDisposableStack();
  parts.defer(() => rmSync(folder, { recursive: true, force: true }));
  const dataDir = join(folder, "data");
  let postgres: EmbeddedPostgres = await startEmbeddedPostgres({ dataDir });
  parts.defer(() => postgres.stop());
  const { port: databasePort } = postgres;
  const keys = await makeKeys();
  const urls = await makeDatabases(postgres.adminUrl);
  const runtimeConfig = {
    host: "127.0.0.1",
    databaseUrl: urls.runtime,
    artifactsDir: folder,
    jwks: { keys: [keys.public] },
    issuer: ISSUER,
    audience: "openagents",
    receiptSigningKey: "11".repeat(32),
    logOrigin: "log.example/chaos",
    logSigningKey: "22".repeat(32),
    demoGrants: true,
    pushToLoopback: false,
    rateLimits: undefined,
    version: "0.0.0",
  };
  const syncConfig = {
    host: "127.0.0.1",
    streamsDatabaseUrl: urls.streams,
    controlStreamsDatabaseUrl: urls.streams,
    databaseUrl: urls.checkpoints,
    jwks: { keys: [keys.public] },
    issuer: ISSUER,
    version: "0.0.0",
  };
  const runtime = parts.use(await startService("runtime", runtimeConfig));
  const servers = [
    parts.use(await startService("sync", syncConfig)),
    parts.use(await startService("sync", syncConfig)),
  ] as const;
  const way = parts.use(await startTcpProxy(servers[0].port));
  const db = connect({ url: urls.runtime, applicationName: "chaos" });
  parts.defer(() => db.close());
  let current = 0;
  let deaths = 0;
  const running = parts.move();
  t.after(() => running.disposeAsync());

  return {
    folder,
    keys,
    runtimeUrl: `http://127.0.0.1:${runtime.port}`,
    way,
    db,
    killRuntime: () => runtime.killAndRestart(),
    killSync: () => (servers[current] ?? servers[0]).killAndRestart(),
    async killDatabase() {
      deaths += 1;
      process.kill(postgres.pid, "SIGKILL");
    },
    leadElsewhere() {
      current = 1 - current;
      way.leadTo((servers[current] ?? servers[0]).port);
      way.cut();
    },
    async settle() {
      if (deaths < DEATHS_MAX) return;
      deaths = 0;
      await postgres.stop();
      postgres = await startEmbeddedPostgres({ dataDir, port: databasePort });
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

async function makeDatabases(adminUrl: string) {
  const [owner, app] = [
    { role: "chaos_owner", password: "owner" },
    { role: "chaos_app", password: "app" },
  ];
  const runtime = await provisionDatabase(adminUrl, { database: "chaos_runtime", owner, app });
  await migrate({ url: runtime.ownerUrl, directories: MIGRATIONS, appRole: app.role });
  const checkpoints = await provisionDatabase(adminUrl, { database: "chaos_sync", owner, app });
  await migrate({ url: checkpoints.ownerUrl, directories: [CHECKPOINT_MIGRATIONS], appRole: app.role });
  const reader = { role: "chaos_reader", password: "reader" };
  const admin = connect({ url: adminUrl, applicationName: "chaos" });
  const text = `CREATE ROLE ${reader.role} LOGIN PASSWORD '${reader.password}'`;
  await admin.query({ name: "", text });
  await admin.close();
  await grantStreamReads(runtime.ownerUrl, reader.role);
  return {
    runtime: runtime.appUrl,
    streams: urlFor(adminUrl, "chaos_runtime", reader),
    checkpoints: checkpoints.appUrl,
  };
}

type Service = AsyncDisposable & {
  readonly port: number;
  /** Answers when it serves again. */
  killAndRestart(): Promise<void>;
};

const SERVICE_MAIN = fileURLToPath(new URL("service-process.ts", import.meta.url));
const RESTART_MS_MAX = 60_000;

async function startService(kind: "runtime" | "sync", config: object): Promise<Service> {
  let { child, port } = await start(0);

  async function start(at: number): Promise<{ child: ChildProcess; port: number }> {
    const giveUpAtMs = performance.now() + RESTART_MS_MAX;
    for (;;) {
      const argv = [SERVICE_MAIN, kind, JSON.stringify({ ...config, port: at })];
      const started = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "inherit"] });
      const [said] = await Promise.race([once(started.stdout, "data"), once(started, "exit")]);
      if (Buffer.isBuffer(said)) return { child: started, port: Number(new URL(String(said).trim()).port) };
      // Its database is away, too.
      if (performance.now() > giveUpAtMs) throw new Error(`the ${kind} does not start`);
      await delay(50);
    }
  }

  async function kill(): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }

  return {
    get port() {
      return port;
    },
    async killAndRestart() {
      await kill();
      ({ child, port } = await start(port));
    },
    [Symbol.asyncDispose]: kill,
  };
}
