import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { serviceToken } from "./service-token.ts";

async function controlStandIn(t: TestContext, answer: () => { status: number; body: unknown }) {
  const asked: unknown[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      asked.push(JSON.parse(Buffer.concat(chunks).toString()));
      const { status, body } = answer();
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

test("one token serves until a minute before its end, and callers at once share the question", async (t) => {
  let given = 0;
  const control = await controlStandIn(t, () => ({
    status: 200,
    body: { access_token: `token-${(given += 1)}`, expires_in: 600 },
  }));
  let nowMs = 0;
  const token = serviceToken({ controlUrl: control.url, apiKey: "k", nowMs: () => nowMs });
  assert.deepEqual(await Promise.all([token(), token(), token()]), ["token-1", "token-1", "token-1"]);
  nowMs = 539_999;
  assert.equal(await token(), "token-1");
  nowMs = 540_000;
  assert.equal(await token(), "token-2");
  assert.deepEqual(control.asked, [
    { grant_type: "api_key", api_key: "k" },
    { grant_type: "api_key", api_key: "k" },
  ]);
});

test("a refusal is told without the key, and the next caller asks again", async (t) => {
  let status = 401;
  const control = await controlStandIn(t, () => ({
    status,
    body: status === 200 ? { access_token: "token", expires_in: 600 } : {},
  }));
  const token = serviceToken({ controlUrl: control.url, apiKey: "canary", nowMs: () => 0 });
  await assert.rejects(token(), (error: Error) => !error.message.includes("canary"));
  status = 200;
  assert.equal(await token(), "token");
});
