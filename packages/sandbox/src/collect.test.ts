// What is collected is the regular files of one folder, bounded, whatever a job puts there.

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { hostProcesses, makeTree, node, roomy, startSandbox, whyNotHere } from "./fixture.ts";
import type { RunRequest } from "./sandbox.ts";

const folder = "/tmp/report";
const asked: RunRequest["collect"] = { folder, bytesMax: 100_000 };

suite("collecting", { skip: whyNotHere, concurrency: 2 }, () => {
  const collect = async (
    t: Parameters<typeof startSandbox>[0],
    commands: readonly string[],
    request: Partial<RunRequest> = {},
  ) => {
    const { sandbox } = await startSandbox(t);
    const rest = { limits: roomy, toolchains: [node], collect: asked };
    const outcome = await sandbox.runCommands({ tree: makeTree(t), commands, ...rest, ...request });
    const collected = [...outcome.collected].map(([path, bytes]) => [path, bytes.toString()]);
    return { ...outcome, collected: Object.fromEntries(collected) };
  };

  test("the folder is there before the first command, and its files are read after the last", async (t) => {
    const long = `${"d".repeat(90)}/${"e".repeat(90)}/${"f".repeat(90)}`;
    const { collected, commands } = await collect(t, [
      `ls -d ${folder}; echo one >${folder}/a.txt; mkdir -p "${folder}/sub/b c"; printf 'tw\\0o' >"${folder}/sub/b c/ü"`,
      `mkdir -p ${folder}/${long}; : >${folder}/empty; echo deep >${folder}/${long}/x; echo more >>${folder}/a.txt; exit 3`,
    ]);
    assert.equal(commands[0]?.stdout.toString(), `${folder}\n`);
    assert.equal(commands[1]?.exitCode, 3);
    assert.deepEqual(collected, {
      "a.txt": "one\nmore\n",
      empty: "",
      "sub/b c/ü": "tw\0o",
      [`${long}/x`]: "deep\n",
    });
  });

  test("nothing is collected when nothing was asked for", async (t) => {
    const { sandbox } = await startSandbox(t);
    const { collected } = await sandbox.runCommands({
      tree: makeTree(t),
      commands: ["mkdir /tmp/report && echo x >/tmp/report/x"],
      limits: roomy,
      toolchains: [],
    });
    assert.equal(collected.size, 0);
  });

  test("links, pipes, sockets and devices are left out and hold nothing up", async (t) => {
    const { collected } = await collect(t, [
      `cd ${folder}; echo secret >/tmp/outside; ln -s /tmp/outside link; ln -s /etc/passwd passwd; ln -s /work folder
       mkfifo pipe; ln -s pipe also; mknod dev c 1 5 2>/dev/null; ln /tmp/outside hard
       node -e 'require("net").createServer().listen("${folder}/sock", () => process.kill(process.pid, 9))'; true`,
    ]);
    // A second name of a file of the job's own is a file of the job's own.
    assert.deepEqual(collected, { hard: "secret\n" });
  });

  test("a folder that became a link, a file, or nothing is as one with nothing in it", async (t) => {
    for (const change of [
      "ln -s /etc report",
      "ln -s /work report",
      "mkfifo report",
      "echo x >report",
      "true",
      "mkdir -m 0 report",
    ]) {
      const { collected, collectedTooMuch } = await collect(t, [`cd /tmp && rmdir report && ${change}`]);
      assert.deepEqual([collected, collectedTooMuch], [{}, false], change);
    }
  });

  test("more than was asked for is told, and nothing is kept", async (t) => {
    const fill = (bytes: number) => `head -c ${bytes} /dev/zero >${folder}/big`;
    const exact = await collect(t, [fill(100_000)]);
    assert.deepEqual([exact.collected["big"]?.length, exact.collectedTooMuch], [100_000, false]);
    for (const command of [
      fill(100_001),
      fill(20_000_000),
      `truncate -s 9T ${folder}/sparse`,
      `for n in $(seq 5000); do : >${folder}/$n; done`,
      `cd ${folder}; for n in 1 2 3; do head -c 40000 /dev/zero >$n; done`,
      `head -c 60000 /dev/zero >${folder}/a; ln ${folder}/a ${folder}/b`,
    ]) {
      const { collected, collectedTooMuch } = await collect(t, [command]);
      assert.deepEqual([collected, collectedTooMuch], [{}, true], command);
    }
  });

  test("a job that would keep writing is dead before the first byte is read", async (t) => {
    const mark = `${7_000_000 + process.pid}.1`;
    const write = `while :; do echo x >>${folder}/growing; ln -sf /etc/passwd ${folder}/swap; rm ${folder}/swap; done`;
    const { collected, commands } = await collect(t, [
      `(setsid sh -c '${write}; sleep ${mark}' &) ; until [ -s ${folder}/growing ]; do :; done; echo x >${folder}/kept`,
    ]);
    assert.equal(commands[0]?.exitCode, 0);
    assert.equal(collected["kept"], "x\n");
    assert.deepEqual(hostProcesses(mark), []);
  });

  test("the request's variables and the job's files do not steer the reader", async (t) => {
    const env = {
      TAR_OPTIONS: "--to-command=false --exclude=*",
      LD_PRELOAD: "/tmp/evil.so",
      POSIXLY_CORRECT: "1",
    };
    const { collected } = await collect(
      t,
      [`unset LD_PRELOAD; echo '--exclude=*' >${folder}/--exclude=a; echo x >${folder}/a`],
      { env },
    );
    assert.deepEqual(collected, { "--exclude=a": "--exclude=*\n", a: "x\n" });
  });

  test("a job that closed the work folder or hit a limit gets an ordinary end", async (t) => {
    const closed = await collect(t, [`echo x >${folder}/a; chmod 0 /work`]);
    assert.deepEqual([closed.commands[0]?.exitCode, closed.collectedTooMuch], [0, false]);
    const ended = await collect(t, [`echo x >${folder}/a; sleep 60`], { limits: { ...roomy, wallMs: 300 } });
    assert.deepEqual(
      [ended.commands[0]?.limit, ended.collected, ended.collectedTooMuch],
      ["wall", {}, false],
    );
  });

  test("a folder that is not below /tmp, or no number of bytes, is refused", async (t) => {
    for (const bad of [
      ...[
        "/tmp",
        "/tmp/",
        "/work/a",
        "/etc",
        "tmp/a",
        "/tmp/../etc",
        "/tmp/a/../../etc",
        "/tmp//a",
        "/tmp/a/",
        "/tmp/a\0",
      ].map((path) => ({ folder: path, bytesMax: 1 })),
      ...[-1, 1.5, Number.NaN, 1e12].map((bytesMax) => ({ folder, bytesMax })),
    ]) {
      await assert.rejects(
        collect(t, ["true"], { collect: bad }),
        { code: "sandbox_request_invalid" },
        JSON.stringify(bad),
      );
    }
  });
});
