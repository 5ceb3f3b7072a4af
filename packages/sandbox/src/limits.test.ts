// Each limit ends what passes it and is reported by name, also when only a child hit it.

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { makeTree, roomy, startSandbox, whyNotHere } from "./fixture.ts";

const GROW = `const kept = []; for (;;) kept.push(Buffer.alloc(4 * 1024 * 1024, 1));`;

for (const limitsBy of [undefined, "rlimits"] as const) {
  const options = limitsBy === undefined ? {} : { limitsBy };

  suite(`limits by ${limitsBy ?? "the best keeper here"}`, { skip: whyNotHere, concurrency: 2 }, () => {
    test("wall time", async (t) => {
      const { run } = await startSandbox(t, options);
      const end = await run("echo before; sleep 600; echo after", { limits: { ...roomy, wallMs: 300 } });
      assert.deepEqual(
        [end.limit, end.signal, end.exitCode, end.stdout],
        ["wall", "SIGKILL", undefined, "before\n"],
      );
      assert.ok(end.durationMs >= 300);
    });

    test("processor time", async (t) => {
      const { run } = await startSandbox(t, options);
      const end = await run("while :; do :; done", { limits: { ...roomy, cpuMs: 300 } });
      assert.deepEqual([end.limit, end.exitCode], ["cpu", undefined]);
    });

    test("processor time is that of the command and its children together", async (t) => {
      const { run } = await startSandbox(t, options);
      const end = await run("for i in 1 2 3 4; do (while :; do :; done) & done; wait", {
        limits: { ...roomy, cpuMs: 400 },
      });
      assert.equal(end.limit, "cpu");
    });

    test("memory", async (t) => {
      const { run } = await startSandbox(t, options);
      const tree = makeTree(t, { "grow.js": GROW });
      const end = await run("exec node grow.js", { tree, limits: { ...roomy, memoryMib: 128 } });
      assert.deepEqual([end.limit, end.signal, end.exitCode], ["memory", "SIGKILL", undefined]);
    });

    test("memory of a child, when the command goes on as if nothing were", async (t) => {
      const { sandbox, run } = await startSandbox(t, options);
      const tree = makeTree(t, { "grow.js": GROW });
      const end = await run("node grow.js || true; exit 0", { tree, limits: { ...roomy, memoryMib: 128 } });
      assert.equal(end.limit, "memory");
      if (sandbox.limitsBy !== "rlimits") assert.equal(end.exitCode, 0);
    });

    test("a fork bomb stays small and ends", async (t) => {
      const { sandbox, run } = await startSandbox(t, options);
      const end = await run("bomb() { bomb | bomb & }; bomb; sleep 0.5; exit 0", {
        limits: { ...roomy, pids: 24, wallMs: 2_000 },
      });
      if (sandbox.limitsBy !== "rlimits")
        assert.ok(end.limit === "pids" || end.limit === "wall", String(end.limit));
    });

    test("processes", async (t) => {
      const { run } = await startSandbox(t, options);
      const limits = { ...roomy, pids: 24 };
      // The shell counts for a while without a process of its own, since it cannot make one any more.
      const wait = "n=0; while [ $n -lt 400000 ]; do n=$((n + 1)); done";
      const full = await run(`(for i in $(seq 60); do sleep 5 & done); ${wait}; exit 7`, { limits });
      assert.deepEqual([full.limit, full.exitCode], ["pids", 7]);
      const fits = await run("for i in $(seq 12); do sleep 0.2 & done; wait", { limits });
      assert.deepEqual([fits.limit, fits.exitCode], [undefined, 0]);
    });

    test("output: cut off at the very byte, both streams together", async (t) => {
      const { run } = await startSandbox(t, options);
      const parts: string[] = [];
      const end = await run("echo error >&2; yes", {
        limits: { ...roomy, outputBytes: 100_001 },
        onOutput: ({ data }) => parts.push(data.toString("latin1")),
      });
      assert.deepEqual([end.limit, end.signal], ["output", "SIGKILL"]);
      assert.equal(end.stdout.length + end.stderr.length, 100_001);
      assert.equal(parts.join("").length, 100_001);
      const exact = await run("printf 12345; printf 67890 >&2", { limits: { ...roomy, outputBytes: 10 } });
      assert.deepEqual([exact.limit, exact.exitCode], [undefined, 0]);
    });

    test("a runtime that reserves much and uses little runs under a small limit", async (t) => {
      const { run } = await startSandbox(t, options);
      const tree = makeTree(t, {
        "a.test.js": `require("node:test").test("adds", () => require("node:assert").equal(1 + 1, 2));`,
      });
      const end = await run("node --test", { tree, limits: { ...roomy, memoryMib: 256 } });
      assert.deepEqual([end.limit, end.exitCode], [undefined, 0], end.stdout + end.stderr);
    });
  });
}
