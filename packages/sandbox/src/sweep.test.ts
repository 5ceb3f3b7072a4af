// A start removes what killed processes left, and nothing of the living.

import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { createSandbox } from "./create-sandbox.ts";
import { makeTree, roomy, whyNotHere } from "./fixture.ts";
import { sweepGroups } from "./limits/cgroup-folder.ts";
import { isMarkOfDead, nextOwnerMark } from "./owner-mark.ts";

const face = new URL("./index.ts", import.meta.url).href;

test("a mark is of the dead when its process has ended or its number is another's now", async () => {
  const mark = nextOwnerMark();
  assert.equal(isMarkOfDead(mark), false);
  assert.notEqual(nextOwnerMark(), mark);
  const [pid, startTime, random] = mark.split("-");
  assert.equal(isMarkOfDead(`${pid}-${Number(startTime) + 1}-${random}`), true);
  const child = spawn("/bin/true");
  await once(child, "close");
  assert.equal(isMarkOfDead(`${child.pid}-${startTime}-${random}`), true);
  for (const other of ["", "x", `${pid}`, `${pid}-${startTime}`, `${mark}0`, `../${mark}`, "1-2-3"]) {
    assert.equal(isMarkOfDead(other), false, other);
  }
});

test("only marked, empty groups of the dead go", async (t) => {
  const parent = makeTree(t);
  const dead = "999999999-1-0123456789ab";
  const kept = [`openagents-${nextOwnerMark()}`, "openagents-other", `other-${dead}`, "openagents-1"];
  for (const name of [...kept, `openagents-${dead}`, `openagents-${dead.replace("ab", "ac")}`])
    mkdirSync(join(parent, name));
  // As one with a process in it, which the kernel would not let go.
  writeFileSync(join(parent, `openagents-${dead}`, "busy"), "");
  await sweepGroups([parent, join(parent, "missing")]);
  assert.deepEqual(readdirSync(parent).sort(), [...kept, `openagents-${dead}`].sort());
});

suite("sweeping at the start", { skip: whyNotHere }, () => {
  test("after kill -9 in a run the next start removes its groups, while another that lives keeps its own", async (t) => {
    const [killed, living] = [startJob(t), startJob(t)];
    await Promise.all([running(killed), running(living)]);
    const livingBefore = groupsOf(living);
    const { limitsBy } = await createSandbox();
    assert.equal(groupsOf(killed).length > 0, limitsBy !== "rlimits");
    killed.kill("SIGKILL");
    await once(killed, "close");
    await Promise.all([createSandbox(), createSandbox()]);
    assert.deepEqual(groupsOf(killed), []);
    assert.deepEqual(groupsOf(living), livingBefore);
    // It still works: its job ends as it should when it is told to.
    living.send("end");
    const [outcome] = await once(living, "message");
    assert.deepEqual(outcome, { exitCode: 0 });
  });

  test("a trial that was cut short leaves a folder that the next start removes, and nothing that is not empty goes", async () => {
    const dead = "999999999-1-0123456789ab";
    const empty = join(tmpdir(), `openagents-sandbox-${dead}`);
    const full = join(tmpdir(), `openagents-sandbox-${dead.replace("ab", "ac")}`);
    const ours = mkdtempSync(join(tmpdir(), "openagents-sandbox-"));
    mkdirSync(empty);
    mkdirSync(full);
    writeFileSync(join(full, "kept"), "");
    try {
      await createSandbox();
      assert.deepEqual([empty, full, ours].map(existsSync), [false, true, true]);
    } finally {
      for (const folder of [empty, full, ours]) rmSync(folder, { recursive: true, force: true });
    }
  });

  test("being killed at the start leaves nothing that the next start does not remove", async (t) => {
    for (const afterMs of [20, 60, 100, 150]) {
      const child = spawn(
        process.execPath,
        [
          "--input-type=module",
          "-e",
          `const { createSandbox } = await import(${JSON.stringify(face)}); process.send("on"); for (;;) await createSandbox();`,
        ],
        { stdio: ["ignore", "ignore", "inherit", "ipc"] },
      );
      t.after(() => child.kill("SIGKILL"));
      await once(child, "message");
      // Spread over the time that a start takes; when exactly does not matter to the result.
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      child.kill("SIGKILL");
      await once(child, "close");
      await createSandbox();
      const left = readdirSync(tmpdir()).filter((name) =>
        name.startsWith(`openagents-sandbox-${child.pid}-`),
      );
      assert.deepEqual([left, groupsOf(child)], [[], []], `after ${afterMs} ms`);
    }
  });
});

/** A process of its own that runs a job until it is told to end it. */
function startJob(t: TestContext): ChildProcess {
  const request = {
    tree: makeTree(t),
    commands: ["echo up; until [ -e /tmp/never ]; do sleep 0.1; done"],
    limits: roomy,
    toolchains: [],
  };
  const script = `
    const { createSandbox } = await import(${JSON.stringify(face)});
    const sandbox = await createSandbox();
    const stop = new AbortController();
    const first = sandbox.runCommands({ ...${JSON.stringify(request)}, signal: stop.signal, onOutput: () => process.send("running") });
    await new Promise((resolve) => process.once("message", resolve));
    const { commands } = await sandbox.runCommands({ ...${JSON.stringify(request)}, commands: ["true"] });
    stop.abort();
    await first.catch(() => {});
    process.send({ exitCode: commands[0].exitCode });
    process.disconnect();`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  t.after(() => child.kill("SIGKILL"));
  return child;
}

async function running(child: ChildProcess): Promise<void> {
  await once(child, "message");
}

function groupsOf({ pid }: ChildProcess): string[] {
  if (!existsSync("/sys/fs/cgroup")) return [];
  for (;;) {
    try {
      return readdirSync("/sys/fs/cgroup", { recursive: true, encoding: "utf8" }).filter((path) =>
        path.split("/").at(-1)?.startsWith(`openagents-${pid}-`),
      );
    } catch (error) {
      // Another test's job ended, and took its group away, while the tree was walked.
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    }
  }
}
