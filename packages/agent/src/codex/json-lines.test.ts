import assert from "node:assert/strict";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { createPeer, type PeerHandlers } from "./json-lines.ts";

function connect(over: Partial<PeerHandlers> = {}) {
  const input = new PassThrough();
  const output = new PassThrough();
  const told: string[] = [];
  const peer = createPeer(input, output, {
    wanted: (method) => method !== "noise",
    onNotification: async (method) => void told.push(method),
    onRequest: async () => undefined,
    ...over,
  });
  const send = (...messages: object[]) =>
    void input.write(messages.map((message) => `${JSON.stringify(message)}\n`).join(""));
  return { peer, input, output, send, told };
}

async function nextLine(output: PassThrough): Promise<unknown> {
  const [chunk] = await once(output, "data");
  return JSON.parse(String(chunk));
}

test("answers find their requests in any order, and an answer that is an error rejects", async () => {
  const { peer, send } = connect();
  const [first, second, third] = ["a", "b", "c"].map((method) => peer.request(method, {}));
  send(
    { id: 3, error: { message: "no such thread" } },
    { id: 2, result: "second" },
    { id: 1, result: "first" },
  );
  assert.deepEqual([await first, await second], ["first", "second"]);
  await assert.rejects(third ?? Promise.resolve(), { code: "codex_refused", message: /no such thread/ });
});

test("notifications are handled one after the other in their order, across broken chunks", async () => {
  const order: string[] = [];
  const { input, peer } = connect({
    async onNotification(method) {
      order.push(`${method} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      order.push(`${method} ends`);
    },
  });
  const text = `{"method":"é-one"}\n{"method":"noise"}\n\n{"method":"two"}\n`;
  const bytes = Buffer.from(text);
  for (const byte of bytes) input.write(Buffer.of(byte));
  input.end();
  await assert.rejects(peer.broken, { code: "codex_ended" });
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(order, ["é-one begins", "é-one ends", "two begins", "two ends"]);
});

test("a request that is not served is answered with an error, and one that is with its result", async () => {
  const { send, output } = connect({
    onRequest: async (method) => (method === "known" ? { decision: "decline" } : undefined),
  });
  send({ id: "x", method: "known" });
  assert.deepEqual(await nextLine(output), { id: "x", result: { decision: "decline" } });
  send({ id: 7, method: "strange" });
  assert.deepEqual(await nextLine(output), {
    id: 7,
    error: { code: -32601, message: "strange is not served here" },
  });
});

test("what is no protocol breaks the connection and every request that waits", async () => {
  for (const line of ["garbage", "[1]", "3", `{"id":{}}`, `{"result":1}`, `{"method":5}`]) {
    const { peer, input } = connect();
    const waiting = peer.request("a", {});
    input.write(`${line}\n`);
    await assert.rejects(waiting, { code: "codex_protocol" });
    await assert.rejects(peer.broken, { code: "codex_protocol" });
  }
});

test("a handler that fails breaks the connection with its own error", async () => {
  const { peer, send } = connect({ onNotification: () => Promise.reject(new Error("the log is full")) });
  send({ method: "news" });
  await assert.rejects(peer.broken, /the log is full/);
});
