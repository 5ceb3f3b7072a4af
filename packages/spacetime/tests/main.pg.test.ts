// The sync server as a process of its own, with nothing but its own configuration.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { startHarness } from "./harness.ts";
import { RawClient } from "./raw-client.ts";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const STREAM = "runtime.run.run_1.events";

test("it starts alone, delivers, and ends cleanly when it is told to", async (t) => {
  const sync = await startHarness(t);
  await sync.append(STREAM, 3);
  const { config } = sync;
  const keys = createServer((_request, response) =>
    response.setHeader("content-type", "application/json").end(JSON.stringify(config.jwks)),
  );
  await new Promise<void>((resolve) => keys.listen(0, "127.0.0.1", resolve));
  t.after(() => keys.close());
  const { port } = keys.address() as AddressInfo;
  const child = spawn(process.execPath, [MAIN], {
    stdio: ["ignore", "ignore", "pipe"],
    env: {
      SYNC_PORT: "0",
      SYNC_STREAMS_DATABASE_URL: config.streamsDatabaseUrl,
      SYNC_CONTROL_STREAMS_DATABASE_URL: config.controlStreamsDatabaseUrl,
      SYNC_DATABASE_URL: config.databaseUrl,
      OPENAGENTS_JWKS_URL: `http://127.0.0.1:${port}/`,
      OPENAGENTS_ISSUER: config.issuer,
    },
  });
  t.after(() => child.kill("SIGKILL"));
  const url = await readyUrl(child.stderr);
  const client = await RawClient.connect(url, await sync.token({ streams: [STREAM] }));
  await client.follow(STREAM);
  assert.deepEqual(client.seqs(STREAM), [1n, 2n, 3n]);
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  assert.deepEqual(await ended, [0, null]);
});

test("without its configuration it says which variable is missing, and what for", async () => {
  const child = spawn(process.execPath, [MAIN], { stdio: ["ignore", "ignore", "pipe"], env: {} });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  assert.deepEqual(await once(child, "close"), [78, null]);
  assert.match(said, /^Set SYNC_STREAMS_DATABASE_URL: .+\n$/);
});

async function readyUrl(log: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: log })) {
    const { msg, url } = JSON.parse(line);
    if (msg === "ready") return url;
  }
  throw new Error("it ended before it was ready");
}
