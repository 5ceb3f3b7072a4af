import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test, type TestContext } from "node:test";
import { publicKeyOf, pushHash, signHash } from "@openagents/receipts";
import { listenForPushes, type PushListenerOptions } from "../src/provider/push-listener.ts";

const KEY = "11".repeat(32);
const WORKER = `wrk_${"a".repeat(32)}`;
const jobOf = (number: number) => `job_${number.toString(16).padStart(32, "0")}`;

test("only what the runtime signed for this worker wakes it, and each job once", async (t) => {
  let woken = 0;
  const listener = await listen(t, { onPush: () => (woken += 1) });
  const job = jobOf(1);
  assert.equal(await push(listener.port, job), 404, "before it is registered");
  listener.hear(WORKER);
  assert.deepEqual([await push(listener.port, job), woken], [202, 1]);
  for (let times = 0; times < 8; times += 1) assert.equal(await push(listener.port, job), 202);
  assert.equal(woken, 1);
  assert.deepEqual([await push(listener.port, jobOf(2)), woken], [202, 2]);

  const refused: readonly (readonly [number, Partial<Change>])[] = [
    [401, { key: "33".repeat(32) }],
    [401, { signature: "" }],
    [401, { signed: (body) => body.replace("a", "b") }],
    [404, { worker: `wrk_${"b".repeat(32)}` }],
    [404, { path: "/v1/other" }],
    [400, { header: jobOf(9) }],
    [400, { body: "{}" }],
    [400, { body: "no json" }],
    [413, { body: " ".repeat(5_000) }],
  ];
  for (const [status, change] of refused)
    assert.equal(await push(listener.port, jobOf(3), change), status, JSON.stringify(change));
  assert.equal(woken, 2);
});

test("the runtime's key is asked for until it is had, and once", async (t) => {
  let asked = 0;
  const listener = await listen(t, {
    findPublicKey: async () => {
      asked += 1;
      if (asked === 1) throw new Error("away");
      return publicKeyOf(KEY);
    },
  });
  listener.hear(WORKER);
  assert.equal(await push(listener.port, jobOf(1)), 503);
  assert.deepEqual(await Promise.all([2, 3, 4].map((id) => push(listener.port, jobOf(id)))), [202, 202, 202]);
  assert.equal(asked, 2);
});

test("a port that is taken is an error at the start", async (t) => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  t.after(() => taken.close());
  const address = taken.address();
  assert.ok(address !== null && typeof address === "object");
  await assert.rejects(listen(t, { port: address.port }), { code: "EADDRINUSE" });
});

async function listen(t: TestContext, options: Partial<PushListenerOptions>) {
  const listener = await listenForPushes({
    port: 0,
    findPublicKey: async () => publicKeyOf(KEY),
    onPush: () => undefined,
    ...options,
  });
  t.after(() => listener[Symbol.asyncDispose]());
  return listener;
}

type Change = {
  readonly key: string;
  readonly signature: string;
  readonly signed: (body: string) => string;
  readonly worker: string;
  readonly path: string;
  readonly header: string;
  readonly body: string;
};

async function push(port: number, jobId: string, change: Partial<Change> = {}): Promise<number> {
  const worker_id = change.worker ?? WORKER;
  const body = change.body ?? JSON.stringify({ job_id: jobId, worker_id, runtime_url: "http://127.0.0.1" });
  const hash = pushHash(change.signed?.(body) ?? body);
  const response = await fetch(`http://127.0.0.1:${port}${change.path ?? "/v1/sandbox_run"}`, {
    method: "POST",
    body,
    headers: {
      "x-idempotency-key": change.header ?? jobId,
      "x-openagents-signature": change.signature ?? signHash(hash, change.key ?? KEY).signature_hex,
    },
  });
  await response.arrayBuffer();
  return response.status;
}
