// The real PostgreSQL as a child process: made, started, kept alive, stopped.

import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { chown, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import pg from "pg";
import { findPlace, launch, type Place } from "./launch.ts";
import { endOrphan } from "./orphan.ts";

export type EmbeddedPostgresOptions = {
  /** Made when absent. Its password lies beside it, in `<dataDir>.password`. */
  readonly dataDir: string;
  /** 0 or absent: any free port. */
  readonly port?: number;
};

export type EmbeddedPostgres = {
  readonly host: "127.0.0.1";
  readonly port: number;
  /** Of the server that runs now: one that died is replaced. */
  readonly pid: number;
  /** As the superuser, on the database `postgres`. */
  readonly adminUrl: string;
  /** Fast shutdown: open transactions are rolled back, everything committed is flushed. Safe to call twice. */
  stop(): Promise<void>;
};

const SUPERUSER = "postgres";

/** Crash recovery after a long run may take a while. */
const START_TIMEOUT_MS = 60_000;

/** How long a start is repeated while the last server's processes end. */
const RETRY_START_MS = 30_000;

const STOP_TIMEOUT_MS = 20_000;

/** Durability stays as PostgreSQL ships it: fsync and synchronous_commit are on. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: "200",
  shared_buffers: "128MB",
  max_wal_size: "2GB",
  checkpoint_timeout: "15min",
  wal_compression: "on",
  log_timezone: "UTC",
  timezone: "UTC",
};

/** A server that dies this often in a row, each time soon after its start, is not started again. */
const RESTARTS_MAX = 5;

/** A server that ran this long before it died starts a new count. */
const STEADY_MS = 60_000;

/**
 * Start the server, creating its data directory first when there is none. An
 * orphan that a killed process left on the directory is stopped first. A server
 * that dies is started again on the same port. Throws with the end of the
 * server's log when it does not come up.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const dataDir = resolve(options.dataDir);
  const place = await findPlace(dataDir);
  const password = loadPassword(`${dataDir}.password`);
  if (!existsSync(join(dataDir, "PG_VERSION"))) await initialise(place, dataDir, password);

  const port = options.port === undefined || options.port === 0 ? await findFreePort() : options.port;
  const adminUrl = `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/postgres`;
  const server = { place, dataDir, port, adminUrl };
  let child = await startServer(server);
  let stopping: Promise<void> | undefined;
  let restarting: Promise<void> | undefined;
  keepAlive();

  /** Whoever uses the database sees lost connections meanwhile, and nothing that was committed is lost. */
  function keepAlive(restarts = 0): void {
    const startedAtMs = performance.now();
    // It may have died already, in the moment after it was ready.
    void exitOf(child).then(() => startAgain(performance.now() - startedAtMs > STEADY_MS ? 0 : restarts));
  }

  function startAgain(restarts: number): void {
    if (stopping !== undefined || restarts >= RESTARTS_MAX) return;
    restarting = startServer(server).then(
      (started) => {
        child = started;
        if (stopping === undefined) keepAlive(restarts + 1);
      },
      // It died while it started. What it said is in its log.
      () => startAgain(restarts + 1),
    );
  }

  return {
    host: "127.0.0.1",
    port,
    get pid() {
      return child.pid ?? 0;
    },
    adminUrl,
    stop() {
      stopping ??= (restarting ?? Promise.resolve()).then(() => stopServer(child));
      return stopping;
    },
  };
}

type Server = {
  readonly place: Place;
  readonly dataDir: string;
  readonly port: number;
  readonly adminUrl: string;
};

/**
 * Backends of a server that was killed hold its shared memory until they notice
 * that it is gone, and a new server cannot start before: so a start that fails is
 * tried again for a while.
 */
async function startServer({ place, dataDir, port, adminUrl }: Server): Promise<ChildProcess> {
  const logFile = `${dataDir}.log`;
  const giveUpAtMs = performance.now() + RETRY_START_MS;
  for (;;) {
    await endOrphan(dataDir, place.mark);
    const child = launch(place, { dataDir, inputs: dataDir }, "postgres", serverArguments(port), logFile);
    try {
      await waitUntilReady(child, adminUrl, logFile);
      return child;
    } catch (error) {
      const held = /shared memory block|lock file .* already exists|in use/.test(tail(logFile));
      if (!held || performance.now() > giveUpAtMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}

function serverArguments(port: number): string[] {
  const settings = Object.entries({ ...SETTINGS, port: String(port) });
  return ["-D", "@DATA@", ...settings.flatMap(([name, value]) => ["-c", `${name}=${value}`])];
}

function loadPassword(file: string): string {
  if (existsSync(file)) return readFileSync(file, "utf8").trim();
  const password = randomBytes(32).toString("hex");
  writeFileSync(file, `${password}\n`, { mode: 0o600, flag: "wx" });
  return password;
}

const INITDB_ARGUMENTS = [
  "-D",
  "@DATA@",
  `--username=${SUPERUSER}`,
  "--pwfile=@INPUTS@/password",
  "--auth=scram-sha-256",
  "--encoding=UTF8",
  "--locale=C",
  "--data-checksums",
];

/** The directory gets its name only when it is complete, so kill −9 leaves no half cluster. */
async function initialise(place: Place, dataDir: string, password: string): Promise<void> {
  const fresh = `${dataDir}.new`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true, mode: 0o700 });
  const inputs = await mkdtemp(`${dataDir}.init-`);
  try {
    writeFileSync(join(inputs, "password"), `${password}\n`, { mode: 0o600 });
    if (place.user !== undefined) {
      const { uid, gid } = place.user;
      for (const path of [fresh, inputs, join(inputs, "password")]) await chown(path, uid, gid);
    }
    const logFile = `${dataDir}.log`;
    const code = await exitOf(launch(place, { dataDir: fresh, inputs }, "initdb", INITDB_ARGUMENTS, logFile));
    if (code !== 0) throw new Error(`initdb failed (${String(code)}): ${tail(logFile)}`);
    await rename(fresh, dataDir);
  } finally {
    await rm(inputs, { recursive: true, force: true });
  }
}

async function waitUntilReady(child: ChildProcess, url: string, logFile: string): Promise<void> {
  const exited = exitOf(child).then((code) => {
    throw new Error(`PostgreSQL ended before it was ready (${String(code)}): ${tail(logFile)}`);
  });
  const deadlineMs = performance.now() + START_TIMEOUT_MS;
  const ready = async () => {
    while (!(await answers(url))) {
      if (performance.now() > deadlineMs) {
        child.kill("SIGQUIT");
        throw new Error(`PostgreSQL was not ready within ${START_TIMEOUT_MS / 1000} s: ${tail(logFile)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  // The exit is watched for as long as the server runs; a later one is not an error here.
  exited.catch(ignoreLaterExit);
  await Promise.race([ready(), exited]);
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
  client.on("error", ignoreLaterExit);
  try {
    await client.connect();
    await client.query("SELECT 1");
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(ignoreLaterExit);
  }
}

async function stopServer(child: ChildProcess): Promise<void> {
  const exited = exitOf(child);
  for (const signal of ["SIGINT", "SIGQUIT", "SIGKILL"] as const) {
    child.kill(signal);
    if (await within(exited, STOP_TIMEOUT_MS)) return;
  }
}

function exitOf(child: ChildProcess): Promise<number | string | null> {
  if (child.exitCode !== null || child.signalCode !== null)
    return Promise.resolve(child.exitCode ?? child.signalCode);
  return new Promise((resolve, reject) => {
    child.once("exit", (code, signal) => resolve(code ?? signal));
    child.once("error", reject);
  });
}

async function within(promise: Promise<unknown>, limitMs: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(() => resolve(false), limitMs);
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no free port was found");
  return address.port;
}

function tail(logFile: string): string {
  return existsSync(logFile) ? readFileSync(logFile, "utf8").slice(-2_000).trim() : "it wrote no log";
}

function ignoreLaterExit(): void {}
