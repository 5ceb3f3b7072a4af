import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { assertPortsFree, planPorts } from "./ports.ts";

test("no base means the usual ports, a base counts up from itself, and 0 means any", () => {
  assert.deepEqual(planPorts(undefined), { runtime: 4100, sync: 3000, control: 8787 });
  assert.deepEqual(planPorts(9000), { runtime: 9000, sync: 9001, control: 9002 });
  assert.deepEqual(planPorts(0), { runtime: 0, sync: 0, control: 0 });
});

test("what is no port is refused", () => {
  for (const base of [-1, 1, 1023, 65_536, 4100.5, Number.NaN]) {
    assert.throws(() => planPorts(base), { code: "port_base_out_of_range" });
  }
});

test("a port in use is named, with the way out", async () => {
  const server = createServer().listen({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  await assert.rejects(assertPortsFree({ runtime: 0, sync: address.port, control: 0 }), {
    code: "port_in_use",
    message: new RegExp(`port ${address.port}`),
    nextStep: /--port-base/,
  });
  server.close();
  await once(server, "close");
  await assertPortsFree({ runtime: 0, sync: address.port, control: 0 });
});
