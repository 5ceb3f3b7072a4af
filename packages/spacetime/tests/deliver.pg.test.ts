import assert from "node:assert/strict";
import { test } from "node:test";
import { startHarness } from "./harness.ts";

const STREAM = "runtime.run.run_1.events";

test("a subscription begins with what there is and goes on with what comes", async (t) => {
  const sync = await startHarness(t);
  await sync.append(STREAM, 3);
  const client = await sync.client({ streams: [STREAM] });
  await client.follow(STREAM);
  assert.deepEqual(client.seqs(STREAM), [1n, 2n, 3n]);
  await sync.append(STREAM, 2);
  await sync.announce(STREAM);
  await client.until(() => client.seqs(STREAM).length === 5);
  assert.deepEqual(client.seqs(STREAM), [1n, 2n, 3n, 4n, 5n]);
});

test("an event whose notification is lost is found by looking", async (t) => {
  const sync = await startHarness(t);
  const client = await sync.client({ streams: [STREAM] });
  await client.follow(STREAM);
  await sync.append(STREAM, 1);
  await client.until(() => client.seqs(STREAM).length === 1);
});
