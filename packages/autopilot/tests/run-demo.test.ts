import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { scriptedAgent } from "@openagents/agent";
import { prepareDemoRepository } from "../src/demo.ts";
import { runDevice, type DemoOrder } from "../src/device/index.ts";
import type { RunOutcome } from "../src/run/index.ts";
import { controlWithOneCall } from "./control-with-one-call.ts";

test("a request for the demonstration opens one run, however often the process ends over it", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "oa-demo-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const { scriptFile } = await prepareDemoRepository(join(folder, "repo"));
  const control = controlWithOneCall({ requestId: "demo-1", method: "run/demo", params: {} });
  const orders: DemoOrder[] = [];
  const device = (signal: AbortSignal, runDemo: (order: DemoOrder) => Promise<RunOutcome>) =>
    runDevice({
      client: { baseUrl: "http://127.0.0.1:9", token: "none" },
      clients: control.clients,
      name: "device",
      agent: scriptedAgent(scriptFile),
      dataDir: join(folder, "device"),
      signal,
      runDemo(order) {
        orders.push(order);
        return runDemo(order);
      },
    });

  const first = new AbortController();
  await device(first.signal, async ({ onOpen, signal }) => {
    onOpen("run_1");
    // Written and told before the process ends over it.
    while (control.told.size === 0) await new Promise((resolve) => setImmediate(resolve));
    first.abort(new Error("killed"));
    signal.throwIfAborted();
    throw new Error("the signal of the order is the process's");
  });
  assert.deepEqual([...control.told.keys()], ["demo-1:run-opened"]);

  const second = new AbortController();
  const running = device(second.signal, async ({ runId, onOpen }) => {
    onOpen(runId ?? "another");
    return { runId, state: "succeeded", problem: undefined } as unknown as RunOutcome;
  });
  assert.deepEqual(await control.answered, {
    workerId: "cwk_1",
    requestId: "demo-1",
    response: { run_id: "run_1", state: "succeeded", summary: "the run succeeded" },
  });
  second.abort();
  await running;
  assert.deepEqual(
    orders.map(({ runId }) => runId),
    [undefined, "run_1"],
  );
  assert.equal(control.told.size, 1);
});
