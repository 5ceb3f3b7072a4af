import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { scriptedAgent } from "@openagents/agent";
import type { CodexWorkerCall } from "@openagents/contracts";
import { prepareDemoRepository } from "../src/demo.ts";
import type { DeviceClients } from "../src/device/deps.ts";
import { runDevice, type DemoOrder } from "../src/device/index.ts";
import type { RunOutcome } from "../src/run/index.ts";

const CALL: CodexWorkerCall = {
  workerId: "cwk_1",
  requestId: "demo-1",
  method: "run/demo",
  params: {},
  status: "claimed",
  claims: 1,
  createdAt: 0,
  deadlineAt: 600_000,
};

/** Control with one open request, which keeps what it is told by its keys. */
function controlWithOneCall() {
  const told = new Map<string, unknown>();
  const answered = Promise.withResolvers<unknown>();
  let isOpen = true;
  const workers: Partial<DeviceClients["workers"]> = {
    createCodexWorker: async () => ({ worker: { workerId: "cwk_1" } }) as never,
    async claimCodexWorkerCall({ holding }, options) {
      if (isOpen && !holding.includes(CALL.requestId)) return { call: CALL };
      await new Promise((_resolve, reject) => {
        options?.signal?.addEventListener("abort", () => reject(options.signal?.reason), { once: true });
      });
      return {};
    },
    async appendCodexWorkerEvents({ events }, options) {
      told.set(options?.idempotencyKey ?? "", events);
      return { headSeq: 1n } as never;
    },
    async answerCodexWorkerCall(answer) {
      isOpen = false;
      answered.resolve(answer);
      return { call: CALL } as never;
    },
  };
  return { clients: { workers, threads: {} } as unknown as DeviceClients, told, answered: answered.promise };
}

test("a request for the demonstration opens one run, however often the process ends over it", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "oa-demo-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const { scriptFile } = await prepareDemoRepository(join(folder, "repo"));
  const control = controlWithOneCall();
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
