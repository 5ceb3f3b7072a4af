// Handing receipts over to the transparency log: none is missed and none is
// counted as handed over that was not, whatever is away and whoever is killed.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { test, type TestContext } from "node:test";
import { connect, statement } from "@openagents/postgres";
import { handOverPage } from "../src/transparency/index.ts";
import { startHarness, type Harness } from "./harness.ts";

const NOW = 1_790_000_000_000;
const signal = new AbortController().signal;

/** What the runtime does with what is handed over; it keeps no tree. */
async function startLogStandIn(t: TestContext) {
  const hashes: string[] = [];
  const waiting: { readonly size: number; readonly resolve: () => void }[] = [];
  const log = {
    hashes,
    url: "",
    /** How it answers; `lost` takes the hashes, and its answer does not come through. */
    state: "up" as "up" | "away" | "lost",
    reached: (size: number) =>
      new Promise<void>((resolve) => {
        if (new Set(hashes).size >= size) resolve();
        else waiting.push({ size, resolve });
      }),
  };
  const server = createServer((request, response) => {
    void (async () => {
      if (request.method !== "POST" || log.state === "away") {
        response.writeHead(503, { "content-type": "application/problem+json" });
        response.end("{}");
        return;
      }
      const body = (await json(request)) as { hashes: string[] };
      hashes.push(...body.hashes);
      const { size } = new Set(hashes);
      for (const each of waiting) if (each.size <= size) each.resolve();
      if (log.state === "lost") request.socket.destroy();
      else {
        response.writeHead(200, { "content-type": "application/json" });
        response.end(JSON.stringify({ added: body.hashes.length }));
      }
    })();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  log.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return log;
}

async function revoke(control: Harness, count: number): Promise<void> {
  const token = await control.token({ sub: "usr_ops", org: "org_operator" });
  for (let at = 0; at < count; at += 1) {
    const body = { by: "sid", value: `ses_${crypto.randomUUID()}`, reason: "lost" };
    const answer = await control.post("/api/policy/revocations", body, { token });
    assert.equal(answer.status, 200, answer.text);
  }
}

const RECEIPTS = statement(
  "test.receipts",
  "SELECT body::json ->> 'canonical_json_sha256' AS hash FROM authority.receipts",
);

async function receiptHashes(t: TestContext, { databaseUrl }: Harness): Promise<string[]> {
  const db = connect({ url: databaseUrl, applicationName: "test" });
  t.after(() => db.close());
  return (await db.query<{ hash: string }>(RECEIPTS)).map(({ hash }) => hash).toSorted();
}

test("what commits while the log is away, or its answers are lost, is in it once it is back, also after a restart", async (t) => {
  const log = await startLogStandIn(t);
  const config = { runtimeUrl: log.url };
  log.state = "away";
  const first = await startHarness(t, { config });
  await revoke(first, 3);
  log.state = "lost";
  await log.reached(3);
  await first.stop();
  log.state = "up";
  const { databaseUrl } = first;
  const second = await startHarness(t, { config, databaseUrl });
  await revoke(second, 2);
  await log.reached(5);
  assert.deepEqual([...new Set(log.hashes)].toSorted(), await receiptHashes(t, second));
  const { text } = await second.get("/metrics", { token: "" });
  assert.match(text, /openagents_log_handover_lag_seconds\{/);
});

test("the place moves on by pages, and only over what was acknowledged", async (t) => {
  const control = await startHarness(t);
  await revoke(control, 5);
  const db = connect({ url: control.databaseUrl, applicationName: "test" });
  t.after(() => db.close());
  const taken: string[] = [];
  let isLost = false;
  const client = {
    appendHashes: async ({ hashes }: { hashes: readonly string[] }) => {
      taken.push(...hashes);
      if (isLost) throw new Error("the answer was lost");
      return { added: BigInt(hashes.length) };
    },
  };
  const handOver = (limit: number) => handOverPage({ db, client, nowMs: () => NOW }, limit, signal);
  assert.equal(await handOver(2), true);
  isLost = true;
  await assert.rejects(handOver(2));
  isLost = false;
  while (await handOver(2));
  const all = await receiptHashes(t, control);
  assert.equal(all.length, 5);
  assert.deepEqual([...new Set(taken)].toSorted(), all);
  assert.equal(taken.length, 7, "what was lost was handed over again, and nothing else");
  assert.equal(await handOver(2), false);
  await revoke(control, 1);
  assert.equal(await handOver(2), true);
  assert.equal(taken.length, 8);
});
