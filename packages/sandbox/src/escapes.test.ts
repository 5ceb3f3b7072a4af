// What a hostile command tries. Each attempt fails inside and leaves the host as it was.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import {
  hashTree,
  hostProcesses,
  makeTree,
  node,
  roomy,
  startSandbox,
  until,
  whyNotHere,
} from "./fixture.ts";
import { createSandbox } from "./create-sandbox.ts";
import { UID_COUNT, UID_FIRST } from "./run-commands.ts";

const SECRET = `secret-${process.pid}-${process.hrtime.bigint()}`;
/** A length of sleep that no other process asks for. */
const mark = (n: number) => `${8_000_000 + process.pid}.${n}`;
const face = new URL("./index.ts", import.meta.url).href;

suite("escapes", { skip: whyNotHere, concurrency: 2 }, () => {
  let watched = "";
  let hostBefore: Host | undefined;

  before(() => {
    watched = mkdtempSync(join(tmpdir(), "openagents-watched-"));
    chmodSync(watched, 0o755);
    mkdirSync(join(watched, "lib"), { mode: 0o777 });
    writeFileSync(join(watched, "kept.txt"), "before");
    writeFileSync(join(watched, "lib/open.txt"), "before", { mode: 0o666 });
    symlinkSync("kept.txt", join(watched, "link"));
    hostBefore = lookAtHost(watched);
  });

  after(async () => {
    // Tests above kill processes with a sandbox; a start sweeps after them.
    await createSandbox();
    const { sandboxed, groups, ...hostAfter } = lookAtHost(watched);
    rmSync(watched, { recursive: true, force: true });
    assert.ok(hostBefore !== undefined);
    const { sandboxed: oldSandboxed, groups: oldGroups, ...same } = hostBefore;
    assert.deepEqual(hostAfter, same, "the tree, the mounts, and what we are are as before");
    assert.deepEqual(
      groups.filter((group) => group.includes(`/openagents-${process.pid}-`)),
      [],
    );
    // Sandboxes of others may run on this machine, so what is new must be theirs and go by itself.
    const newer = new Set([
      ...sandboxed.filter((pid) => !oldSandboxed.includes(pid)),
      ...groups.filter((group) => !oldGroups.includes(group)),
    ]);
    await until(() => {
      const now = lookAtSandboxes();
      return ![...now.sandboxed, ...now.groups].some((one) => newer.has(one));
    }, "no process of a command's user and no group is left");
  });

  test("files of the host cannot be read, neither by path nor through a link in the tree", async (t) => {
    const { run } = await startSandbox(t);
    const outside = makeTree(t, { "secret.txt": SECRET });
    const tree = makeTree(t);
    symlinkSync(join(outside, "secret.txt"), join(tree, "link"));
    symlinkSync(outside, join(tree, "folder"));
    const found = await run(
      `cat ${outside}/secret.txt link folder/secret.txt; ls -a ${homedir()} ${process.cwd()}; cat /etc/shadow /proc/1/environ;
       grep -rs ${SECRET} / --exclude-dir=usr --exclude-dir=proc --exclude-dir=work; ls /`,
      { tree },
    );
    assert.equal(found.stdout.includes(SECRET), false);
    assert.equal(found.stdout.includes("root:"), false);
    assert.deepEqual(
      found.stdout.split("\n").filter((line) => /^(home|root|var|run|srv|mnt|media|boot|sys)$/.test(line)),
      [],
    );
  });

  test("nothing outside the run's folder can be written, and the tree itself stays as it was", async (t) => {
    const { run } = await startSandbox(t);
    const outside = makeTree(t, { "kept.txt": "before" });
    const tree = makeTree(t, { "a.txt": "before" });
    symlinkSync(join(outside, "kept.txt"), join(tree, "link"));
    const attempt = await run(
      `for f in /x /usr/x /usr/bin/x /etc/x /etc/passwd /dev/x /proc/sys/kernel/core_pattern /opt/x /opt/tc/node/x /opt/tc/node/bin/node ../x; do
         (echo after >$f) 2>/dev/null && echo "wrote $f"; done
       (echo after >link) 2>/dev/null && echo "wrote link"
       rm -f /opt/tc/node/bin/node; echo after >a.txt; echo done`,
      { tree },
    );
    assert.equal(attempt.stdout, "done\n");
    assert.equal(readFileSync(join(outside, "kept.txt"), "utf8"), "before");
    assert.equal(readFileSync(join(tree, "a.txt"), "utf8"), "before");
    assert.equal(existsSync(process.execPath), true);
  });

  test("every mount that is not the run's own or the kernel's is read-only", async (t) => {
    const { run } = await startSandbox(t);
    const { stdout } = await run("cat /proc/self/mounts");
    const writable = stdout
      .trim()
      .split("\n")
      .map((line) => line.split(" "))
      .filter(([, , , options]) => !options?.split(",").includes("ro"))
      .map(([, folder = ""]) => folder)
      .filter((folder) => !/^\/dev\/(?:null|zero|full|random|urandom|tty|pts|console)$/.test(folder));
    assert.deepEqual(writable.sort(), ["/dev/shm", "/proc", "/tmp", "/work"]);
  });

  test("listeners of the host cannot be reached, by address or by abstract name", async (t) => {
    const { run } = await startSandbox(t);
    let reached = 0;
    const listen = async (where: { port: number; host: string } | string) => {
      const server = createServer((socket) => {
        reached += 1;
        socket.end();
      });
      t.after(() => server.close());
      server.listen(where);
      await once(server, "listening");
      return server.address();
    };
    const address = await listen({ port: 0, host: "127.0.0.1" });
    const abstract = `\\0openagents-${process.pid}`;
    await listen(`\0openagents-${process.pid}`);
    assert.ok(typeof address === "object" && address !== null);
    const script = `const net = require("node:net");
      for (const to of [{ port: ${address.port}, host: "127.0.0.1" }, { path: "${abstract}" }, { port: 53, host: "192.0.2.1" }])
        net.connect(to).on("connect", () => console.log("reached")).on("error", (error) => console.log(error.code));`;
    const attempt = await run("node attempt.js", { tree: makeTree(t, { "attempt.js": script }) });
    assert.deepEqual(attempt.stdout.trim().split("\n").sort(), [
      "ECONNREFUSED",
      "ECONNREFUSED",
      "ENETUNREACH",
    ]);
    assert.equal(reached, 0);
  });

  test("host processes cannot be seen or killed", async (t) => {
    const { run } = await startSandbox(t);
    const attempt = await run(
      `ls /proc | grep -cE '^[0-9]+$'; kill -9 ${process.pid} 2>/dev/null && echo killed; kill -9 -1; echo on`,
    );
    assert.ok(Number(attempt.stdout.split("\n")[0]) < 10, attempt.stdout);
    assert.equal(attempt.stdout.includes("killed"), false);
  });

  test("a job sees nothing of another that runs beside it", async (t) => {
    const { run } = await startSandbox(t);
    const other = new AbortController();
    const started = Promise.withResolvers<void>();
    const beside = run(`echo ${SECRET} | tee /tmp/a /dev/shm/a b; sleep ${mark(1)}`, {
      signal: other.signal,
      onOutput: () => started.resolve(),
    });
    await started.promise;
    const look = await run(
      `cat /tmp/a /dev/shm/a b /work/b; cat /proc/*/cmdline | tr '\\0' ' '; ls /tmp /dev/shm /work`,
    );
    other.abort(new Error("enough"));
    await assert.rejects(beside, /enough/);
    assert.equal(look.stdout.includes(SECRET), false);
    // Its own text holds the mark nowhere, so a match is the other's process.
    assert.equal(look.stdout.includes(mark(1)), false);
  });

  test("there are no rights, and running a privileged program gives none", async (t) => {
    const { run } = await startSandbox(t);
    const attempt = await run(
      `id -u; grep -E '^(Cap...|NoNewPrivs|Seccomp):' /proc/self/status
       for try in "mount -t tmpfs x /tmp" "unshare -U true" "unshare -m true" "chroot /usr true" "su -c true" "mknod /tmp/d b 1 1" \\
         "hostname x" "nsenter -t 1 -m true" "chown 0 /work" "umount /work" "setpriv --reuid 0 true" "dmesg"; do
         $try >/dev/null 2>&1 </dev/null && echo "did: $try"; done; true`,
    );
    const [uid, ...lines] = attempt.stdout.trim().split("\n");
    assert.notEqual(uid, "0");
    assert.deepEqual(
      lines.map((line) => line.replace(/\s+/, " ")),
      [
        ...["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"].map((name) => `${name}: 0000000000000000`),
        "NoNewPrivs: 1",
        "Seccomp: 2",
      ],
    );
  });

  test(
    "refused system calls fail inside",
    { skip: process.arch !== "x64" && "numbers below are of x64" },
    async (t) => {
      const { run } = await startSandbox(t);
      const calls = {
        ptrace: [101, 0, 0, 0, 0],
        keyctl: [250, 0, -3, 1],
        bpf: [321, 0, 0, 0],
        userfaultfd: [323, 1],
        io_uring_setup: [425, 1, 0],
        clone_newuser: [56, 0x10000011, 0, 0, 0, 0],
        clone3: [435, 0, 0],
        perf_event_open: [298, 0, 0, -1, -1, 0],
        tiocsti: [16, 0, 0x5412, 0],
        vsock: [41, 40, 1, 0],
        unix: [41, 1, 1, 0],
      };
      const script = Object.entries(calls)
        .map(
          ([name, call]) =>
            `$r = syscall(${call.join(",")}); print "${name} ", ($r < 0 ? $!+0 : "ok"), "\\n";`,
        )
        .join("\n");
      const attempt = await run("perl calls.pl || exit 99", { tree: makeTree(t, { "calls.pl": script }) });
      if (attempt.exitCode === 99) return t.skip("there is no perl to make the calls");
      const answers = Object.fromEntries(
        attempt.stdout
          .trim()
          .split("\n")
          .map((line) => line.split(" ")),
      );
      assert.deepEqual(answers, {
        ...Object.fromEntries(Object.keys(calls).map((name) => [name, "1"])),
        clone3: "38",
        vsock: "97",
        unix: "ok",
      });
    },
  );

  test("nothing of the host's environment passes", async (t) => {
    const { run } = await startSandbox(t);
    process.env["OPENAGENTS_TEST_SECRET"] = SECRET;
    t.after(() => delete process.env["OPENAGENTS_TEST_SECRET"]);
    const attempt = await run("env; cat /proc/*/environ", { env: { ASKED: "yes" } });
    assert.equal(attempt.stdout.includes(SECRET), false);
    const names = attempt.stdout.split("\n").map((line) => line.split("=")[0]);
    for (const name of ["ASKED", "HOME", "PATH"]) assert.ok(names.includes(name), name);
  });

  test("a file that our parent left open does not pass", async (t) => {
    const tree = makeTree(t, { "secret.txt": SECRET });
    const file = openSync(join(tree, "secret.txt"), "r+");
    const request = {
      tree: makeTree(t),
      commands: ["ls -l /proc/self/fd; cat <&20; cat /proc/*/fd/*"],
      limits: roomy,
      toolchains: [],
    };
    const script = `
      const { createSandbox } = await import(${JSON.stringify(face)});
      const { commands: [outcome] } = await (await createSandbox()).runCommands(${JSON.stringify(request)});
      console.log(outcome.exitCode + outcome.stdout.toString() + outcome.stderr);`;
    const stdio = Array.from({ length: 21 }, (_, fd) => (fd === 20 ? file : fd === 1 ? "pipe" : "ignore"));
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio });
    let out = "";
    child.stdout?.on("data", (data: Buffer) => (out += data.toString("utf8")));
    await once(child, "close");
    assert.match(out, / 20 -> \S*null$/m);
    assert.equal(out.includes(SECRET), false);
    assert.equal(readFileSync(join(tree, "secret.txt"), "utf8"), SECRET);
  });

  test("what is left in the background dies with the command", async (t) => {
    const { run } = await startSandbox(t);
    const attempt = await run(
      `setsid sleep ${mark(2)} & (nohup setsid sh -c 'sleep ${mark(2)} & sleep ${mark(2)}' >/dev/null 2>&1 &) ; sleep 0.05; echo started`,
    );
    assert.equal(attempt.stdout, "started\n");
    assert.equal(attempt.exitCode, 0);
    assert.deepEqual(hostProcesses(mark(2)), []);
  });

  test("a disk that is filled is the run's own, shared memory and /tmp with it", async (t) => {
    const { run } = await startSandbox(t);
    const limits = { ...roomy, diskMib: 8 };
    const attempt = await run(
      `for f in /work/big /tmp/big /dev/shm/big; do dd if=/dev/zero of=$f bs=1M count=64 2>&1 | tail -1; done
       du -sk /work /tmp /dev/shm | awk '{ sum += $1 } END { print "total", sum }'`,
      { limits },
    );
    assert.equal(attempt.limit, undefined);
    const total = Number(/^total (\d+)$/m.exec(attempt.stdout)?.[1]);
    assert.ok(total > 4 * 1024 && total <= 8 * 1024, attempt.stdout);
  });

  test("killing our process leaves nothing of a run alive, and the next start sweeps what it made", async (t) => {
    const tree = makeTree(t);
    const request = {
      tree,
      commands: [`sleep ${mark(3)} & setsid sleep ${mark(3)} & echo running; sleep ${mark(3)}`],
      limits: roomy,
      toolchains: [node],
    };
    const script = `
      const { createSandbox } = await import(${JSON.stringify(face)});
      const onOutput = () => console.log("running");
      await (await createSandbox()).runCommands({ ...${JSON.stringify(request)}, onOutput });`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    assert.ok(child.stdout !== null);
    await once(child.stdout, "data");
    assert.notDeepEqual(hostProcesses(mark(3)), []);
    child.kill("SIGKILL");
    await once(child, "close");
    await until(() => hostProcesses(mark(3)).length === 0, "the job's processes die");
    await until(() => hostProcesses(tree).length === 0, "the sandbox's own processes die");
    await createSandbox();
    assert.deepEqual(groupsOf(child.pid), []);
  });

  test("being killed at any moment of the set-up leaves nothing alive", async (t) => {
    const tree = makeTree(t);
    const request = { tree, commands: [`sleep ${mark(4)}`], limits: roomy, toolchains: [node] };
    const script = `
      const { createSandbox } = await import(${JSON.stringify(face)});
      const sandbox = await createSandbox();
      process.on("message", () => {});
      process.send("ready");
      for (let run = 0; run < 4; run += 1) void sandbox.runCommands(${JSON.stringify(request)});`;
    // Spread over the time that the set-up takes; when exactly does not matter to the result.
    for (const afterMs of [5, 25, 45, 65, 85, 120]) {
      const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
        stdio: ["ignore", "ignore", "inherit", "ipc"],
      });
      await once(child, "message");
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      child.kill("SIGKILL");
      await once(child, "close");
      await until(
        () => hostProcesses(tree).length + hostProcesses(mark(4)).length === 0,
        `all die, killed after ${afterMs} ms`,
      );
    }
  });

  test("a layer and what is behind its links cannot be written, read beyond, or moved, in any of several ways", async (t) => {
    const { run } = await startSandbox(t);
    const secret = makeTree(t, { "secret.txt": SECRET });
    const source = makeTree(t, { "a.txt": "before", "cache/x": "before" });
    chmodSync(source, 0o777);
    chmodSync(join(source, "a.txt"), 0o666);
    symlinkSync(secret, join(source, "out"));
    symlinkSync(homedir(), join(source, "home"));
    symlinkSync("../../../../../../../../etc/shadow", join(source, "up"));
    const hashBefore = hashTree(source);
    const layers = [
      { source, target: "/work/deps", caches: ["cache"] },
      { source, target: "/opt/x/deps" },
      { source: watched, target: "/work/a/watched" },
    ];
    const attempt = await run(
      `for d in deps /opt/x/deps a/watched; do
         cat $d/out/secret.txt $d/up 2>/dev/null; ls $d/home/. 2>/dev/null
         for f in $d/a.txt $d/kept.txt $d/lib/open.txt $d/new $d/lib/new $d/link; do (echo after >>$f) 2>/dev/null && echo "wrote $f"; done
         chmod 777 $d 2>/dev/null && echo "chmod $d"; touch $d 2>/dev/null && echo "touched $d"
         mv $d elsewhere 2>/dev/null && echo "moved $d"; rm -rf $d 2>/dev/null
         ln $d/a.txt /work/hard 2>/dev/null && echo "linked $d"; umount $d 2>/dev/null && echo "umounted $d"
         mount -o remount,bind,rw $d 2>/dev/null && echo "remounted $d"
       done
       (echo after >deps/cache/../a.txt) 2>/dev/null && echo "wrote past the cache"
       mv a b && mkdir -p a/watched && (echo x >b/watched/new) 2>/dev/null && echo "wrote moved"; echo done`,
      { layers },
    );
    assert.equal(attempt.stdout, "done\n");
    assert.equal(hashTree(source), hashBefore);
  });

  test("nothing of the host is collected through a link, and nothing of the job stays on it", async (t) => {
    const { sandbox } = await startSandbox(t);
    const secret = makeTree(t, { "secret.txt": SECRET });
    const tree = makeTree(t);
    symlinkSync(secret, join(tree, "out"));
    const { collected } = await sandbox.runCommands({
      tree,
      commands: [
        `cd /tmp/r && ln -s ${secret}/secret.txt a; ln -s ${secret} b; cp -a /work/out c; ln -s ${homedir()} d; ln -s /oldroot e; ln -s /proc/1/root f; mkfifo g
         cp /proc/1/environ h 2>/dev/null; cp /proc/self/mountinfo i; true`,
      ],
      limits: roomy,
      toolchains: [],
      collect: { folder: "/tmp/r", bytesMax: 1024 * 1024 },
    });
    assert.deepEqual(
      [...collected.keys()].filter((path) => path !== "h"),
      ["i"],
    );
    for (const bytes of collected.values()) assert.equal(bytes.includes(SECRET), false);
  });

  test("a fork bomb ends with its command and leaves none of its processes", async (t) => {
    const { run } = await startSandbox(t);
    const end = await run(
      `bomb() { bomb "$@" | bomb "$@" & }; (setsid sh -c 'sleep ${mark(5)} & sleep ${mark(5)}' &); bomb; sleep 0.3; exit 0`,
      { limits: { ...roomy, pids: 32, wallMs: 3_000 } },
    );
    assert.notEqual(end.limit, undefined);
    assert.deepEqual(hostProcesses(mark(5)), []);
  });

  test("a folder with files that cannot be packed is refused, not run in part", async (t) => {
    const { run } = await startSandbox(t);
    const tree = makeTree(t, { "a/b.txt": "x" });
    mkdirSync(join(tree, "deep"));
    writeFileSync(join(tree, "deep", "too-big"), Buffer.alloc(3 * 1024 * 1024));
    await assert.rejects(run("true", { tree, limits: { ...roomy, diskMib: 2 } }), {
      code: "sandbox_tree_too_large",
    });
  });
});

type Host = {
  readonly tree: string;
  readonly mounts: string;
  readonly namespaces: string;
  readonly ownGroups: string;
  readonly sandboxed: readonly string[];
  readonly groups: readonly string[];
};

function lookAtHost(watched: string): Host {
  return {
    tree: hashTree(watched),
    mounts: readFileSync("/proc/self/mountinfo", "utf8"),
    namespaces: ["mnt", "pid", "net", "user"].map((name) => readlinkSync(`/proc/self/ns/${name}`)).join(" "),
    ownGroups: readFileSync("/proc/self/cgroup", "utf8"),
    ...lookAtSandboxes(),
  };
}

/** Living processes of the users that commands run as, and control groups of sandboxes. */
function lookAtSandboxes(): Pick<Host, "groups" | "sandboxed"> {
  const sandboxed = readdirSync("/proc").filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const status = readFileSync(`/proc/${name}/status`, "latin1");
      const uid = Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]);
      return uid >= UID_FIRST && uid < UID_FIRST + UID_COUNT && !/^State:\s+Z/m.test(status);
    } catch {
      // It ended while we looked.
      return false;
    }
  });
  return { sandboxed, groups: groupsOf("") };
}

/** Control groups that a process made, or any when empty, and that are still there. */
function groupsOf(pid: number | string | undefined): string[] {
  const prefix = pid === "" ? "openagents-" : `openagents-${pid}-`;
  const found: string[] = [];
  const look = (folder: string, depth: number) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      if (entry.name.startsWith(prefix)) found.push(join(folder, entry.name));
      else if (depth < 4) look(join(folder, entry.name), depth + 1);
    }
  };
  if (existsSync("/sys/fs/cgroup")) look("/sys/fs/cgroup", 0);
  return found;
}
