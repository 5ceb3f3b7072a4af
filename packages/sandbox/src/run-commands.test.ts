import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, lstatSync, readFileSync, symlinkSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { createSandbox } from "./create-sandbox.ts";
import { hostProcesses, makeTree, node, roomy, startSandbox, whyNotHere } from "./fixture.ts";
import type { RunRequest } from "./sandbox.ts";

suite("commands in a sandbox", { skip: whyNotHere, concurrency: 2 }, () => {
  test("the commands of a run share one folder and stop at the first that fails", async (t) => {
    const { sandbox } = await startSandbox(t);
    const tree = makeTree(t, { "a/in.txt": "in\n" });
    const commands = [
      "cat a/in.txt; echo made >a/out.txt; echo t >/tmp/t",
      "cat a/out.txt /tmp/t; exit 3",
      "echo never",
    ];
    const { commands: outcomes } = await sandbox.runCommands({
      tree,
      commands,
      limits: roomy,
      toolchains: [],
    });
    assert.deepEqual(
      outcomes.map(({ command, exitCode, stdout }) => [command, exitCode, stdout.toString()]),
      [
        [commands[0], 0, "in\n"],
        [commands[1], 3, "made\nt\n"],
      ],
    );
    assert.equal(existsSync(join(tree, "a/out.txt")), false);
  });

  test("how a command ended is told as it was", async (t) => {
    const { run } = await startSandbox(t);
    const ends = {
      true: [0, undefined],
      "exit 1": [1, undefined],
      "exit 128": [128, undefined],
      "exit 255": [255, undefined],
      "no-such-program": [127, undefined],
      "./plain.txt": [126, undefined],
      "kill -SEGV $$": [undefined, "SIGSEGV"],
      "sh -c 'kill -9 $$'": [undefined, "SIGKILL"],
      "-x": [127, undefined],
    };
    for (const [command, expected] of Object.entries(ends)) {
      const end = await run(command, { tree: makeTree(t, { "plain.txt": "x" }) });
      assert.deepEqual([end.exitCode, end.signal, end.limit], [...expected, undefined], command);
    }
  });

  test("a job that closes its own folder gets an ordinary end", async (t) => {
    const { sandbox } = await startSandbox(t);
    const commands = ["chmod 000 /work", "echo never"];
    const { commands: outcomes } = await sandbox.runCommands({
      tree: makeTree(t),
      commands,
      limits: roomy,
      toolchains: [],
    });
    assert.deepEqual(
      outcomes.map(({ exitCode }) => exitCode),
      [0, 126],
    );
  });

  test("streams are apart, whole, and in the order written; nothing can be read", async (t) => {
    const { run } = await startSandbox(t);
    const end = await run("cat; seq 1 20000; echo oops >&2");
    assert.equal(end.stdout, Array.from({ length: 20_000 }, (_, index) => `${index + 1}\n`).join(""));
    assert.equal(end.stderr, "oops\n");
  });

  test("files keep their mode, links stay links, and odd names stay whole", async (t) => {
    const { run } = await startSandbox(t);
    const tree = makeTree(t, {
      "run.sh": "#!/bin/sh\necho ran\n",
      "-rf": "dash\n",
      "sp ace/ü\n.txt": "odd\n",
    });
    chmodSync(join(tree, "run.sh"), 0o755);
    symlinkSync("run.sh", join(tree, "link"));
    chmodSync(tree, 0o700);
    const end = await run("./link && cat ./-rf 'sp ace'/* && test -L link && test ! -x ./-rf", { tree });
    assert.deepEqual([end.stdout, end.exitCode], ["ran\ndash\nodd\n", 0], end.stderr);
    assert.equal(lstatSync(join(tree, "run.sh")).uid, process.getuid?.());
  });

  test("the command has a name, a home, its toolchain, and the variables that it was given", async (t) => {
    const { run } = await startSandbox(t);
    const end = await run('id -un; echo $HOME "$A"; touch ~/x && node -p process.execPath; pwd', {
      env: { A: "b = 'c'\nd" },
    });
    assert.equal(end.stdout, "work\n/tmp/home b = 'c'\nd\n/opt/tc/node/bin/node\n/work\n", end.stderr);
  });

  test("servers and clients inside one command reach each other", async (t) => {
    const { run } = await startSandbox(t);
    const script = `const server = require("node:http").createServer((_, reply) => reply.end("pong"));
      server.listen(0, "127.0.0.1", async () => {
        console.log(await (await fetch("http://localhost:" + server.address().port)).text()); process.exit(); });`;
    const end = await run("node a.js", { tree: makeTree(t, { "a.js": script }) });
    assert.equal(end.stdout, "pong\n", end.stderr);
  });

  test("the clock that was given tells when a command started", async (t) => {
    const { run } = await startSandbox(t, { nowMs: () => 1_234 });
    assert.equal((await run("true")).startedAtMs, 1_234);
  });

  test("aborting ends a run at once with the signal's reason and leaves nothing alive", async (t) => {
    const { run } = await startSandbox(t);
    const mark = `${9_000_000 + process.pid}.1`;
    const abort = new AbortController();
    const reason = new Error("the owner said so");
    const running = run(`setsid sleep ${mark} & echo up; sleep ${mark}`, {
      signal: abort.signal,
      onOutput: () => abort.abort(reason),
    });
    await assert.rejects(running, (error) => error === reason);
    assert.deepEqual(hostProcesses(mark), []);
    await assert.rejects(run("true", { signal: abort.signal }), (error) => error === reason);
  });

  test("aborting at any moment of the set-up leaves nothing alive", async (t) => {
    const { run } = await startSandbox(t);
    const mark = `${9_000_000 + process.pid}.2`;
    // Spread over the time that the set-up takes; when exactly does not matter to the result.
    for (let afterMs = 0; afterMs <= 90; afterMs += 6) {
      const tree = makeTree(t);
      const abort = new AbortController();
      const running = run(`sleep ${mark}`, { tree, signal: abort.signal });
      const rejected = assert.rejects(running, { message: "now" });
      await delay(afterMs);
      abort.abort(new Error("now"));
      await rejected;
      assert.deepEqual([...hostProcesses(mark), ...hostProcesses(tree)], [], `after ${afterMs} ms`);
    }
  });

  test("runs beside each other keep apart", async (t) => {
    const { run } = await startSandbox(t);
    const ends = await Promise.all(
      [1, 2, 3, 4, 5, 6].map((n) => run(`echo ${n} >x; sleep 0.05; cat x; id -u >/tmp/u`)),
    );
    assert.deepEqual(
      ends.map(({ stdout }) => stdout),
      ["1\n", "2\n", "3\n", "4\n", "5\n", "6\n"],
    );
  });

  test("what cannot be run is refused with the rule, before anything starts", async (t) => {
    const { sandbox } = await startSandbox(t);
    const good: RunRequest = { tree: makeTree(t), commands: ["true"], limits: roomy, toolchains: [node] };
    const bad: readonly Partial<RunRequest>[] = [
      { commands: [] },
      { commands: ["a\0b"] },
      { commands: ["x".repeat(70_000)] },
      { limits: { ...roomy, wallMs: 0 } },
      { limits: { ...roomy, memoryMib: 1.5 } },
      { limits: { ...roomy, pids: Number.NaN } },
      { limits: { ...roomy, outputBytes: -1 } },
      { tree: "relative" },
      { tree: join(good.tree, "missing") },
      { toolchains: [{ name: "../x", prefix: node.prefix }] },
      { toolchains: [node, node] },
      { toolchains: [{ name: "x", prefix: "/" }] },
      { toolchains: [{ name: "x", prefix: homedir() }] },
      { toolchains: [{ name: "x", prefix: process.execPath }] },
      { env: { "A=B": "c" } },
    ];
    for (const change of bad) {
      await assert.rejects(
        sandbox.runCommands({ ...good, ...change }),
        { code: "sandbox_request_invalid" },
        JSON.stringify(change).slice(0, 80),
      );
    }
  });
});

test("without bubblewrap there is no sandbox, and the error has the command that installs it", async () => {
  await assert.rejects(createSandbox({ programFolders: [] }), {
    name: "SandboxError",
    code: "sandbox_unavailable",
    message: /bubblewrap.*\. Run: .*install.* bubblewrap/,
  });
});

test("a bubblewrap that cannot confine is no sandbox either", async (t) => {
  const folder = makeTree(t, {
    bwrap: '#!/bin/sh\n[ "$1" = --version ] && echo bubblewrap 9.9 && exit\nexit 1\n',
  });
  chmodSync(join(folder, "bwrap"), 0o755);
  const system = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"];
  await assert.rejects(createSandbox({ programFolders: [folder, ...system] }), {
    code: "sandbox_unavailable",
  });
});

test("a program that only pretends to be bubblewrap and runs the command as it is gets no jobs", async (t) => {
  const folder = makeTree(t, {
    bwrap:
      '#!/bin/sh\n[ "$1" = --version ] && echo bubblewrap 9.9 && exit\nwhile [ "$1" != -- ]; do shift; done\nshift\ncd /tmp\nexec "$@"\n',
  });
  chmodSync(join(folder, "bwrap"), 0o755);
  const system = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"];
  await assert.rejects(createSandbox({ programFolders: [folder, ...system] }), {
    code: "sandbox_unavailable",
  });
});

test(
  "as an ordinary user a sandbox holds too",
  { skip: whyNotHere || (process.getuid?.() !== 0 && "we are one") },
  (t) => {
    const script = `
    const { createSandbox } = await import(${JSON.stringify(new URL("./index.ts", import.meta.url).href)});
    const sandbox = await createSandbox();
    const { commands: [end] } = await sandbox.runCommands(${JSON.stringify({ tree: "/usr/share/doc/tar", commands: ["id -u; ls -d /work"], limits: { ...roomy, diskMib: 64 }, toolchains: [] })});
    console.log(sandbox.limitsBy, end.exitCode, end.stdout.toString());`;
    const ours = readFileSync("/proc/self/uid_map", "utf8").trim().split(/\s+/);
    if (Number(ours[2]) < 65_536) return t.skip("there is only one user here");
    const asAnother = (...command: string[]) =>
      spawnSync(
        "setpriv",
        ["--reuid=60000", "--regid=60000", "--clear-groups", "--no-new-privs", ...command],
        {
          cwd: "/",
          env: { PATH: "/usr/bin:/bin", HOME: "/", TMPDIR: "/tmp" },
          encoding: "utf8",
        },
      );
    for (const needed of [process.execPath, import.meta.filename]) {
      if (asAnother("test", "-r", needed).status !== 0)
        return t.skip("another user cannot read this checkout");
    }
    const { stdout, stderr } = asAnother(process.execPath, "--input-type=module", "-e", script);
    if (/sandbox_unavailable/.test(stderr)) return t.skip("ordinary users cannot make namespaces here");
    assert.match(stdout, /^rlimits 0 1000\n\/work\n/, stderr);
  },
);
