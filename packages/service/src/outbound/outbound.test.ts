import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { createOutbound, OutboundError } from "./index.ts";
import { isPublicAddress } from "./address.ts";

const outside = createOutbound({ allowLoopback: false, resolve: async () => ["127.0.0.1"] });

const HOSTILE_HOSTS = [
  "127.0.0.1",
  "127.9.9.9",
  // Other ways to write it: decimal, hexadecimal, octal, short.
  "2130706433",
  "0x7f000001",
  "0177.0.0.1",
  "127.1",
  "0",
  "0.0.0.0",
  "10.0.0.1",
  "172.16.0.1",
  "172.31.255.255",
  "192.168.1.1",
  // Carrier-grade NAT, link-local, and the clouds' metadata services.
  "100.64.0.1",
  "100.127.255.255",
  "100.100.100.200",
  "169.254.169.254",
  "192.0.0.192",
  "192.0.2.1",
  "198.18.0.1",
  "224.0.0.1",
  "255.255.255.255",
  "[::1]",
  "[::]",
  "[::ffff:127.0.0.1]",
  "[::ffff:a9fe:a9fe]",
  "[::127.0.0.1]",
  // NAT64, local NAT64, 6to4 and Teredo around 127.0.0.1 and 10.0.0.1.
  "[64:ff9b::7f00:1]",
  "[64:ff9b:1::a00:1]",
  "[2002:7f00:1::]",
  "[2001:0:7f00:1::]",
  "[fe80::1]",
  "[fc00::1]",
  "[fd00:ec2::254]",
  "[ff02::1]",
  "[2001:db8::1]",
];

for (const host of HOSTILE_HOSTS) {
  test(`https://${host}/ is not called`, async () => {
    await assert.rejects(outside.send({ method: "GET", url: `https://${host}/` }), (error) =>
      isRefusal(error, "address_not_allowed"),
    );
    assert.throws(() => outside.assertAllowed(`https://${host}/`), OutboundError);
    await assert.rejects(outside.resolveHost(host), OutboundError);
  });
}

test("the public internet is allowed", () => {
  for (const address of ["1.1.1.1", "8.8.8.8", "172.32.0.1", "100.63.255.255", "2606:4700::1111", "2a00::1"])
    assert.equal(isPublicAddress(address), true, address);
  for (const text of ["", "localhost", "1.1.1", "fe80::1%eth0"])
    assert.equal(isPublicAddress(text), false, text);
});

test("a name whose addresses are not all public is not called, whichever comes first", async () => {
  for (const addresses of [
    ["127.0.0.1"],
    ["1.1.1.1", "10.0.0.1"],
    ["::ffff:10.0.0.1"],
    ["169.254.169.254"],
  ]) {
    const outbound = createOutbound({ allowLoopback: false, resolve: async () => addresses });
    await assert.rejects(outbound.send({ method: "GET", url: "https://provider.example/" }), (error) =>
      isRefusal(error, "address_not_allowed"),
    );
  }
});

test("a name is resolved once, and the checked address is the one that is connected to", async (t) => {
  const reached: (string | undefined)[] = [];
  const { port, requests } = await serve(t, (request, response) => {
    reached.push(request.socket.localAddress);
    response.end("ok");
  });
  const answers = [["127.0.0.1"], ["127.0.0.2"]];
  let asked = 0;
  const outbound = createOutbound({
    allowLoopback: true,
    resolve: async () => answers[asked++] ?? assert.fail("asked again"),
  });
  const answer = await outbound.send({ method: "GET", url: `http://provider.example:${port}/x` });
  assert.equal(answer.body, "ok");
  assert.equal(asked, 1);
  assert.equal(requests[0]?.headers.host, `provider.example:${port}`);
  assert.deepEqual(reached, ["127.0.0.1"]);
});

test("a name that turns to a private address between two calls is refused at the second", async (t) => {
  const { port } = await serve(t, (_request, response) => response.end("ok"));
  const turns = [["127.0.0.1"], ["10.0.0.1"]];
  const outbound = createOutbound({ allowLoopback: true, resolve: async () => turns.shift() ?? [] });
  const url = `http://provider.example:${port}/`;
  assert.equal((await outbound.send({ method: "GET", url })).status, 200);
  await assert.rejects(outbound.send({ method: "GET", url }), (error) =>
    isRefusal(error, "address_not_allowed"),
  );
});

test("outside of loopback nothing goes unencrypted, and only plain web addresses are called", async () => {
  const laptop = createOutbound({ allowLoopback: true, resolve: async () => ["1.1.1.1"] });
  for (const [outbound, url, code] of [
    [outside, "http://1.1.1.1/", "not_encrypted"],
    [outside, "http://provider.example/", "not_encrypted"],
    [laptop, "http://1.1.1.1/", "not_encrypted"],
    [laptop, "http://provider.example/", "not_encrypted"],
    [outside, "file:///etc/passwd", "url_invalid"],
    [outside, "gopher://1.1.1.1/", "url_invalid"],
    [outside, "https://user:secret@provider.example/", "url_invalid"],
    [outside, "provider.example", "url_invalid"],
  ] as const) {
    await assert.rejects(outbound.send({ method: "GET", url }), (error) => isRefusal(error, code), url);
  }
});

test("a redirect is refused, wherever it leads", async (t) => {
  const { url, requests } = await serve(t, (_request, response) => {
    response.writeHead(302, { location: "/elsewhere" }).end();
  });
  await assert.rejects(loopback().send({ method: "GET", url }), (error) =>
    isError(error, "redirect_refused"),
  );
  assert.equal(requests.length, 1);
});

test("an answer without end is cut, and one that never comes is not waited for", async (t) => {
  const endless = await serve(t, (_request, response) => {
    const more = () => {
      if (!response.destroyed) response.write("x".repeat(10_000), more);
    };
    more();
  });
  await assert.rejects(
    loopback({ answerBytesMax: 100_000 }).send({ method: "GET", url: endless.url }),
    (error) => isError(error, "answer_too_large"),
  );
  const silent = await serve(t, () => undefined);
  await assert.rejects(loopback({ timeoutMs: 20 }).send({ method: "GET", url: silent.url }), (error) =>
    isError(error, "timed_out"),
  );
});

test("a connection that is refused says that nothing was sent; one that is dropped does not", async (t) => {
  const gone = await serve(t, () => undefined);
  await gone.close();
  await assert.rejects(
    loopback().send({ method: "POST", url: gone.url, body: "{}" }),
    (error) => isError(error, "unreachable") && error instanceof OutboundError && !error.sent,
  );
  const dropping = await serve(t, (request) => request.socket.destroy());
  await assert.rejects(
    loopback().send({ method: "POST", url: dropping.url, body: "{}" }),
    (error) => isError(error, "unreachable") && error instanceof OutboundError && error.sent,
  );
});

function loopback(limits: { readonly timeoutMs?: number; readonly answerBytesMax?: number } = {}) {
  return createOutbound({ allowLoopback: true, ...limits });
}

function isError(error: unknown, code: string): boolean {
  return error instanceof OutboundError && error.code === code;
}

function isRefusal(error: unknown, code: string): boolean {
  return error instanceof OutboundError && error.code === code && !error.sent;
}

async function serve(t: TestContext, answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  t.after(close);
  return { url: `http://127.0.0.1:${port}/`, port, requests, close };
}
