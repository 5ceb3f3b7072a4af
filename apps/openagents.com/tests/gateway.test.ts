// The gateway before a runtime of the test's own: what passes, what does not, and that every call ends.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { mount, problemServerOptions } from "@openagents/contracts";
import Fastify from "fastify";
import { forwardToRuntime, type GatewayLimits } from "../src/gateway/index.ts";

type Answer = (request: IncomingMessage, response: ServerResponse) => unknown;

test("method, query, body and answer pass unchanged, and the caller's token and request id with them", async (t) => {
  const seen: { method?: string; url?: string; headers?: IncomingMessage["headers"]; body?: string } = {};
  const gateway = await startGateway(t, async (request, response) => {
    Object.assign(seen, { method: request.method, url: request.url, headers: request.headers });
    seen.body = await textOf(request);
    response.writeHead(409, { "content-type": "application/problem+json", "x-of-runtime": "1" });
    response.end('{"code":"run_not_open"}\n');
  });
  const answer = await fetch(`${gateway.url}/internal/v1/runs/run_1/cancel?a=%20b&a=2`, {
    method: "POST",
    headers: {
      authorization: "Bearer the.callers.token",
      "content-type": "application/json",
      "idempotency-key": "k1",
      "x-request-id": "req_mine",
    },
    body: '{ "b" : 1,  "a":2 }',
  });
  assert.equal(answer.status, 409);
  assert.equal(await answer.text(), '{"code":"run_not_open"}\n');
  assert.equal(answer.headers.get("x-of-runtime"), "1");
  assert.equal(seen.method, "POST");
  assert.equal(seen.url, "/internal/v1/runs/run_1/cancel?a=%20b&a=2");
  assert.equal(seen.body, '{ "b" : 1,  "a":2 }');
  assert.equal(seen.headers?.authorization, "Bearer the.callers.token");
  assert.equal(seen.headers?.["idempotency-key"], "k1");
  assert.equal(seen.headers?.["x-request-id"], "req_mine");
});

test("workers are reached under their public path", async (t) => {
  const paths: (string | undefined)[] = [];
  const gateway = await startGateway(t, (request, response) => {
    paths.push(request.url);
    response.end("{}");
  });
  for (const path of [
    "/api/runtime/workers",
    "/api/runtime/workers?limit=1",
    "/api/runtime/workers/wrk_1/status",
  ])
    assert.equal((await fetch(gateway.url + path)).status, 200);
  assert.deepEqual(paths, [
    "/internal/v1/workers",
    "/internal/v1/workers?limit=1",
    "/internal/v1/workers/wrk_1/status",
  ]);
});

test("no path leads out of what is handed on, however its dots are written, and names with dots are names", async (t) => {
  const paths: (string | undefined)[] = [];
  const gateway = await startGateway(t, (request, response) => {
    paths.push(request.url);
    response.end("{}");
  });
  for (const path of [
    "/internal/v1/../../metrics",
    "/internal/v1/%2e%2e/%2E%2e/metrics",
    "/internal/v1/..%2f..%2fmetrics",
    "/internal/v1/runs/..\\..\\..\\metrics",
    "/log/./checkpoint",
    "/api/runtime/workers/../../../metrics",
  ])
    assert.equal((await raw(gateway.port, { path, headers: {} })).status, 404, path);
  assert.deepEqual(paths, []);
  for (const path of ["/internal/v1/artifacts/..a", "/log/tile/0/x001/..."])
    assert.equal((await raw(gateway.port, { path, headers: {} })).status, 200, path);
  assert.deepEqual(paths, ["/internal/v1/artifacts/..a", "/log/tile/0/x001/..."]);
});

test("neither a cookie nor a header of one connection reaches the runtime, and it sets no cookie", async (t) => {
  let headers: IncomingMessage["headers"] = {};
  const gateway = await startGateway(t, (request, response) => {
    headers = request.headers;
    response.writeHead(200, { "set-cookie": "a=1", connection: "close, x-inner", "x-inner": "1" }).end("{}");
  });
  const answer = await raw(gateway.port, {
    path: "/log/checkpoint",
    headers: {
      cookie: "__Host-session=secret",
      origin: "http://localhost",
      "x-forwarded-for": "10.0.0.1",
      connection: "keep-alive, x-private",
      "x-private": "1",
      te: "trailers",
    },
  });
  for (const name of ["cookie", "origin", "x-forwarded-for", "x-private", "te"])
    assert.equal(headers[name], undefined, name);
  assert.equal(answer.headers["set-cookie"], undefined);
  assert.equal(answer.headers["x-inner"], undefined);
});

test("events arrive one by one, and a caller that leaves ends the runtime's part, too", async (t) => {
  const closed = Promise.withResolvers<void>();
  let more: (text: string) => void = () => assert.fail("not followed yet");
  const gateway = await startGateway(t, (_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" }).write("data: 1\n\n");
    more = (text) => response.write(text);
    response.once("close", () => closed.resolve());
  });
  const leaves = new AbortController();
  const answer = await fetch(`${gateway.url}/internal/v1/streams/x`, { signal: leaves.signal });
  const reader = answer.body?.getReader() ?? assert.fail("no body");
  assert.equal(textOfChunk(await reader.read()), "data: 1\n\n");
  more("data: 2\n\n");
  assert.equal(textOfChunk(await reader.read()), "data: 2\n\n");
  leaves.abort();
  await closed.promise;
});

test("a drain ends what only follows", async (t) => {
  const gateway = await startGateway(t, (_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" }).write("data: 1\n\n");
  });
  const answer = await fetch(`${gateway.url}/internal/v1/streams/x`);
  const reader = answer.body?.getReader() ?? assert.fail("no body");
  await reader.read();
  gateway.release();
  await assert.rejects(reader.read());
});

test("a runtime that is away, hangs up or does not answer is 503 with when to come back", async (t) => {
  const gone = await startGateway(t, (_request, response) => response.end());
  await gone.stopRuntime();
  const dropping = await startGateway(t, (request) => request.socket.destroy());
  const silent = await startGateway(t, () => {}, { answerMsMax: 30 });
  for (const gateway of [gone, dropping, silent]) {
    const answer = await fetch(`${gateway.url}/internal/v1/runs`);
    assert.equal(answer.status, 503);
    assert.equal(answer.headers.get("content-type"), "application/problem+json");
    assert.equal(answer.headers.get("retry-after"), "2");
    assert.match(await answer.text(), /"code":"runtime_unavailable"/);
  }
});

test("a call that was handed on is not sent again", async (t) => {
  let calls = 0;
  const gateway = await startGateway(t, (request) => {
    calls += 1;
    request.socket.destroy();
  });
  await fetch(`${gateway.url}/internal/v1/runs`, { method: "POST", body: "{}" });
  assert.equal(calls, 1);
});

test("a body that is announced or turns out larger than any route takes is 413", async (t) => {
  const gateway = await startGateway(
    t,
    async (request, response) => {
      await textOf(request).catch(() => "");
      response.end("{}");
    },
    { bodyBytesMax: 1000 },
  );
  const announced = await fetch(`${gateway.url}/internal/v1/runs`, {
    method: "POST",
    body: "x".repeat(1001),
  });
  assert.equal(announced.status, 413);
  const chunked = await raw(gateway.port, {
    method: "POST",
    path: "/internal/v1/runs",
    headers: { "transfer-encoding": "chunked" },
    chunks: ["x".repeat(800), "x".repeat(800)],
  });
  assert.equal(chunked.status, 413);
  assert.equal(JSON.parse(chunked.body).code, "body_too_large");
  const fits = await fetch(`${gateway.url}/internal/v1/runs`, { method: "POST", body: "x".repeat(1000) });
  assert.equal(fits.status, 200);
});

test("a caller that sends its body too slowly is cut off", async (t) => {
  const closed = Promise.withResolvers<void>();
  const gateway = await startGateway(
    t,
    (request) => {
      request.once("close", () => closed.resolve());
    },
    { idleMsMax: 40 },
  );
  const socket = connect(gateway.port, "127.0.0.1");
  socket.write("POST /internal/v1/runs HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{");
  const [answer] = await once(socket, "data");
  assert.match(String(answer), /^HTTP\/1\.1 503 /);
  await closed.promise;
  socket.destroy();
});

async function startGateway(t: TestContext, answer: Answer, limits: Partial<GatewayLimits> = {}) {
  const runtime = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => runtime.listen(0, "127.0.0.1", resolve));
  const stopRuntime = () =>
    new Promise<void>((resolve) => {
      runtime.closeAllConnections();
      runtime.close(() => resolve());
    });
  t.after(stopRuntime);
  const app = Fastify(problemServerOptions);
  mount(app, [], { authenticate: () => assert.fail("the runtime authenticates") });
  const gateway = forwardToRuntime(app, {
    runtimeUrl: `http://127.0.0.1:${(runtime.address() as AddressInfo).port}`,
    limits: { answerMsMax: 5_000, idleMsMax: 5_000, bodyBytesMax: 1_000_000, ...limits },
  });
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  t.after(async () => {
    app.server.closeAllConnections();
    await app.close();
  });
  return { url, port: Number(new URL(url).port), stopRuntime, release: () => gateway.release() };
}

function raw(
  port: number,
  options: {
    readonly method?: string;
    readonly path: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly chunks?: readonly string[];
  },
): Promise<{ status: number; headers: IncomingMessage["headers"]; body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({ port, host: "127.0.0.1", agent: false, ...options }, (answer) => {
      textOf(answer).then(
        (body) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }),
        reject,
      );
    });
    outgoing.once("error", reject);
    for (const chunk of options.chunks ?? []) outgoing.write(chunk);
    outgoing.end();
  });
}

async function textOf(message: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of message) text += String(chunk);
  return text;
}

function textOfChunk({ value }: { readonly value?: Uint8Array | undefined }): string {
  return Buffer.from(value ?? []).toString();
}
