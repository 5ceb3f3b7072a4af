import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import Fastify from "fastify";
import { Health, ProblemError, bind, mount, type Binding, type Contract } from "../src/index.ts";
import { compileProto } from "./compile-proto.ts";
import { JSON_TYPE, RUN, authenticate, startFake, type FakeService } from "./fake-service.ts";

const RUN_ID = RUN.runId;

type Sent = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly code: string;
};

type Options = {
  readonly body?: string | Uint8Array<ArrayBuffer> | ReadableStream;
  readonly headers?: Readonly<Record<string, string | undefined>>;
};

/** A request with a valid token, key and content type, except for what a test takes away. */
async function send(service: FakeService, verb: string, path: string, options: Options = {}): Promise<Sent> {
  const headers = new Headers();
  const defaults = {
    authorization: "Bearer all",
    "idempotency-key": "key-1",
    "content-type": options.body === undefined ? undefined : "application/json",
  };
  for (const [name, value] of Object.entries({ ...defaults, ...options.headers })) {
    if (value !== undefined) headers.set(name, value);
  }
  const body = options.body === undefined ? {} : { body: options.body, duplex: "half" as const };
  const response = await fetch(service.url + path, { method: verb, headers, ...body });
  const text = await response.text();
  const isProblem = response.headers.get("content-type") === "application/problem+json";
  if (response.status >= 400 && verb !== "HEAD") assert.ok(isProblem, `${response.status} ${text}`);
  return {
    status: response.status,
    headers: response.headers,
    text,
    code: isProblem && text ? JSON.parse(text).code : "",
  };
}

const createRun = (service: FakeService, options: Options = {}) =>
  send(service, "POST", "/internal/v1/runs", { body: "{}", ...options });

test("a command's handler gets decoded plain input, the principal and the key, and its exact bytes are sent", async (t) => {
  const service = await startFake(t);
  const answer = await createRun(service, { body: '{"issue":{"title":"t"},"metadata":{"a":1}}' });
  assert.equal(answer.status, 201);
  assert.equal(answer.headers.get("content-type"), JSON_TYPE);
  assert.equal(answer.headers.get("idempotent-replayed"), null);
  const [seen] = service.seen;
  assert.deepEqual(seen?.input, { issue: { title: "t", body: "" }, metadata: { a: 1 } });
  assert.equal(seen?.call.principal.id, "usr_a");
  assert.equal(seen !== undefined && "idempotencyKey" in seen.call && seen.call.idempotencyKey, "key-1");
  assert.equal(seen?.call.method.name, "openagents.runtime.v1.Runs.CreateRun");
  assert.equal(seen?.call.requestId, answer.headers.get("x-request-id"));
});

test("a replay is marked, and a refusal keeps its status, type and bytes", async (t) => {
  const service = await startFake(t);
  const body = '{"type":"x"}';
  service.reply = () => ({ status: 409, contentType: "application/problem+json", body, replayed: true });
  const answer = await createRun(service);
  assert.equal(answer.status, 409);
  assert.equal(answer.text, body);
  assert.equal(answer.headers.get("content-type"), "application/problem+json");
  assert.equal(answer.headers.get("idempotent-replayed"), "true");
});

test("path and query become typed input", async (t) => {
  const service = await startFake(t);
  assert.equal(
    (await send(service, "GET", "/internal/v1/runs?limit=7&status=failed&cursor=a%20b")).status,
    200,
  );
  assert.equal((await send(service, "GET", `/internal/v1/runs/${RUN_ID}`)).status, 200);
  assert.deepEqual(
    service.seen.map(({ input }) => input),
    [{ cursor: "a b", limit: 7, status: "failed" }, { runId: RUN_ID }],
  );
});

for (const [name, verb, path, options, status, code] of [
  ["an unknown path", "GET", "/internal/v1/nothing", {}, 404, "route_not_found"],
  ["a known path under another verb", "DELETE", "/internal/v1/runs", {}, 405, "method_not_allowed"],
  [
    "an unknown path with a broken body",
    "POST",
    "/internal/v1/nothing",
    { body: "{" },
    404,
    "route_not_found",
  ],
  ["HEAD, which the contract does not have", "HEAD", "/internal/v1/runs", {}, 405, ""],
  ["a path that is no percent-encoding", "GET", "/internal/v1/runs/%zz", {}, 400, "malformed_path"],
  ["no token", "GET", "/internal/v1/runs", { headers: { authorization: undefined } }, 401, "token_missing"],
  [
    "a token without the scope",
    "GET",
    "/internal/v1/runs",
    { headers: { authorization: "Bearer runs:write" } },
    403,
    "missing_scope",
  ],
  [
    "another media type",
    "POST",
    "/internal/v1/runs",
    { body: "{}", headers: { "content-type": "text/plain" } },
    415,
    "unsupported_media_type",
  ],
  [
    "another charset",
    "POST",
    "/internal/v1/runs",
    { body: "{}", headers: { "content-type": "application/json; charset=latin1" } },
    415,
    "unsupported_media_type",
  ],
  [
    "a body above the limit",
    "POST",
    "/internal/v1/runs",
    { body: `{"metadata":{"a":"${"x".repeat(1_100_000)}"}}` },
    413,
    "body_too_large",
  ],
  ["broken JSON", "POST", "/internal/v1/runs", { body: "{" }, 400, "malformed_json"],
  ["an array for a body", "POST", "/internal/v1/runs", { body: "[]" }, 400, "not_an_object"],
  [
    "a key twice",
    "POST",
    "/internal/v1/runs",
    { body: '{"metadata":{},"metadata":{}}' },
    400,
    "duplicate_key",
  ],
  [
    "a prototype for a field",
    "POST",
    "/internal/v1/runs",
    { body: '{"__proto__":{"metadata":{}}}' },
    400,
    "forbidden_key",
  ],
  ["an unknown field", "POST", "/internal/v1/runs", { body: '{"meta":{}}' }, 400, "invalid_request"],
  [
    "a field of the path in the body",
    "POST",
    `/internal/v1/workers/wrk_${"0".repeat(32)}/heartbeat`,
    { body: `{"worker_id":"wrk_${"0".repeat(32)}"}` },
    400,
    "invalid_request",
  ],
  ["a query parameter twice", "GET", "/internal/v1/runs?limit=1&limit=1", {}, 400, "invalid_request"],
  ["an unknown query parameter", "GET", "/internal/v1/runs?limits=1", {}, 400, "invalid_request"],
  ["a query number in another spelling", "GET", "/internal/v1/runs?limit=0x5", {}, 400, "invalid_request"],
  ["an empty query number", "GET", "/internal/v1/runs?limit=", {}, 400, "invalid_request"],
  ["a query number out of range", "GET", "/internal/v1/runs?limit=201", {}, 400, "invalid_request"],
  ["a path parameter of another form", "GET", "/internal/v1/runs/run_1", {}, 400, "invalid_request"],
  [
    "no idempotency key",
    "POST",
    "/internal/v1/runs",
    { body: "{}", headers: { "idempotency-key": undefined } },
    400,
    "idempotency_key_required",
  ],
  [
    "an empty idempotency key",
    "POST",
    "/internal/v1/runs",
    { body: "{}", headers: { "idempotency-key": "" } },
    400,
    "idempotency_key_invalid",
  ],
  [
    "an idempotency key with a space",
    "POST",
    "/internal/v1/runs",
    { body: "{}", headers: { "idempotency-key": "a b" } },
    400,
    "idempotency_key_invalid",
  ],
  [
    "an idempotency key of 201 characters",
    "POST",
    "/internal/v1/runs",
    { body: "{}", headers: { "idempotency-key": "k".repeat(201) } },
    400,
    "idempotency_key_invalid",
  ],
  [
    "a client outside of the window",
    "GET",
    "/internal/v1/runs",
    { headers: { "x-oa-schema-version": "99" } },
    426,
    "unsupported_schema_version",
  ],
] as const) {
  test(`${name} is answered ${status}${code === "" ? "" : ` ${code}`} and reaches no handler`, async (t) => {
    const service = await startFake(t);
    const answer = await send(service, verb, path, options);
    assert.equal(answer.status, status, answer.text);
    assert.equal(answer.code, code);
    assert.deepEqual(service.seen, []);
    assert.match(answer.headers.get("x-request-id") ?? "", /^req_[0-9a-f]{32}$/);
    if (status === 405) assert.deepEqual(answer.headers.get("allow")?.split(", ").sort(), ["GET", "POST"]);
  });
}

test("checks come in their order: each answer is the first thing that is wrong", async (t) => {
  const service = await startFake(t);
  const wrong = {
    "x-oa-schema-version": "99",
    authorization: undefined,
    "content-type": "text/plain",
    "idempotency-key": undefined,
  };
  const expected = [
    [{}, "unsupported_schema_version"],
    [{ "x-oa-schema-version": undefined }, "token_missing"],
    [{ authorization: "Bearer none" }, "missing_scope"],
    [{ authorization: "Bearer all" }, "unsupported_media_type"],
    [{ "content-type": "application/json" }, "body_too_large"],
  ] as const;
  let headers: Record<string, string | undefined> = wrong;
  for (const [repair, code] of expected) {
    headers = { ...headers, ...repair };
    assert.equal(
      (await createRun(service, { headers, body: `{"a":"${"x".repeat(1_100_000)}"}` })).code,
      code,
    );
  }
  assert.equal((await createRun(service, { headers, body: '{"a":1}' })).code, "invalid_request");
  assert.equal((await createRun(service, { headers })).code, "idempotency_key_required");
  assert.equal((await createRun(service, { headers: { ...headers, "idempotency-key": "k" } })).status, 201);
});

test("a command without a body is one with an empty body", async (t) => {
  const service = await startFake(t);
  const answer = await send(service, "POST", `/internal/v1/workers/wrk_${"0".repeat(32)}/heartbeat`, {
    headers: { "idempotency-key": undefined },
  });
  assert.equal(answer.status, 200, answer.text);
  const [seen] = service.seen;
  assert.equal(seen !== undefined && "idempotencyKey" in seen.call && seen.call.idempotencyKey, "");
});

test("a well-formed request id of the caller is kept, another is replaced", async (t) => {
  const service = await startFake(t);
  const id = async (given: string) =>
    (await send(service, "GET", "/healthz", { headers: { "x-request-id": given } })).headers.get(
      "x-request-id",
    );
  assert.equal(await id("abc_DEF-1"), "abc_DEF-1");
  for (const given of ["a b", "x".repeat(65), "<script>"])
    assert.match((await id(given)) ?? "", /^req_[0-9a-f]{32}$/);
});

test("public routes ask for no token", async (t) => {
  const service = await startFake(t);
  const answer = await send(service, "GET", "/healthz", { headers: { authorization: "Bearer nonsense" } });
  assert.equal(answer.status, 200);
  assert.deepEqual(JSON.parse(answer.text), { status: "ok", service: "fake", version: "0", uptime_ms: 1 });
});

test("an internal error leaks nothing to the caller and everything to the log", async (t) => {
  const service = await startFake(t);
  const answer = await send(service, "GET", `/internal/v1/runs/${RUN_ID}/receipt`);
  assert.equal(answer.status, 500);
  assert.equal(answer.code, "internal");
  assert.doesNotMatch(answer.text, /secret|postgres/);
  assert.match(String(service.internal[0]), /secret/);
});

test("an error that the service knows leaves as the problem that it is, and is no internal one", async (t) => {
  const away = new ProblemError({ status: 503, code: "database_unavailable", detail: "Try again shortly." });
  const problemOf = (error: unknown) => (/secret/.test(String(error)) ? away : undefined);
  const service = await startFake(t, [], { problemOf });
  const answer = await send(service, "GET", `/internal/v1/runs/${RUN_ID}/receipt`);
  assert.deepEqual([answer.status, answer.code], [503, "database_unavailable"]);
  assert.equal(service.internal.length, 0);
});

test("an answer that breaks the contract is an internal error", async (t) => {
  const service = await startFake(t);
  service.read = async () => ({ ...RUN, latestSeq: 2n ** 60n });
  assert.equal((await send(service, "GET", `/internal/v1/runs/${RUN_ID}`)).code, "internal");
});

test("429 and 503 carry Retry-After, whoever answers them", async (t) => {
  const service = await startFake(t);
  service.read = async () => {
    throw new ProblemError({ status: 429, code: "over_limit", detail: "Slow down.", retryAfterMs: 1_500 });
  };
  assert.equal((await send(service, "GET", `/internal/v1/runs/${RUN_ID}`)).headers.get("retry-after"), "2");
  service.reply = () => ({
    status: 503,
    contentType: "application/problem+json",
    body: "{}",
    replayed: false,
  });
  assert.equal((await createRun(service)).headers.get("retry-after"), "1");
});

test("a problem has its members in the contract's order, and its field errors always", async (t) => {
  const service = await startFake(t);
  service.read = async () => {
    throw new ProblemError({
      status: 403,
      code: "policy",
      detail: "No.",
      reason: "cap",
      receiptId: "rcpt_1",
      retryAfterMs: 5,
    });
  };
  const answer = await send(service, "GET", `/internal/v1/runs/${RUN_ID}`, {
    headers: { "x-request-id": "r1" },
  });
  assert.equal(
    answer.text,
    '{"type":"https://openagents.com/problems/policy","title":"Forbidden","status":403,"detail":"No.","code":"policy",' +
      '"reason":"cap","field_errors":[],"request_id":"r1","receipt_id":"rcpt_1","retry_after_ms":5}',
  );
});

const SHA = "a".repeat(64);
const ARTIFACT = `/internal/v1/artifacts/${SHA}`;

test("a byte stream of any type passes both ways as it is", async (t) => {
  const service = await startFake(t);
  const bytes = new Uint8Array(300_000).map((_, index) => index % 251);
  const answer = await send(service, "PUT", ARTIFACT, {
    body: bytes,
    headers: { "content-type": "image/png" },
  });
  assert.equal(answer.text, `{"sha256":"${SHA}","bytes":300000}`);
  assert.deepEqual(service.seen[0]?.input, {
    sha256: SHA,
    content: { contentType: "image/png", data: Buffer.from(bytes) },
  });
  const replay = await send(service, "GET", `/internal/v1/runs/${RUN_ID}/replay`);
  assert.equal(replay.text, "{}\n{}\n");
  assert.equal(replay.headers.get("content-type"), "application/x-ndjson");
  assert.equal(
    (await send(service, "PUT", `${ARTIFACT}?lease_id=x`, { body: bytes })).code,
    "invalid_request",
  );
});

test("a byte stream above its limit is refused, announced or not, and the connection lives on", async (t) => {
  const limited = compileProto(`
    service Blobs { rpc PutBlob(PutBlobRequest) returns (PutBlobResponse) {
      option (google.api.http) = {put: "/blobs/{name}" body: "content"};
      option (openagents.protocol.v1.route) = {owner: OWNER_ANY access: ACCESS_USER scope: "blobs:write"
        effect: EFFECT_COMMAND idempotency: IDEMPOTENCY_NATURAL body_bytes_max: 1000};
    } }
    message PutBlobRequest { string name = 1; google.api.HttpBody content = 2; }
    message PutBlobResponse {}
  `).contract("Blobs");
  const service = await startFake(t, [
    handled(limited, {
      putBlob: async ({ content }: { content: { data: AsyncIterable<Uint8Array> } }) => {
        for await (const chunk of content.data) void chunk;
        return { status: 200, contentType: JSON_TYPE, body: "{}", replayed: false };
      },
    }),
  ]);
  const put = (body: NonNullable<Options["body"]>) =>
    send(service, "PUT", "/blobs/a", { body, headers: { authorization: "Bearer blobs:write" } });
  const streamed = (bytes: number) =>
    new ReadableStream({
      start(controller) {
        for (let sent = 0; sent < bytes; sent += 100) controller.enqueue(new Uint8Array(100));
        controller.close();
      },
    });
  assert.equal((await put(new Uint8Array(1000))).status, 200);
  assert.equal((await put(streamed(1000))).status, 200);
  assert.equal((await put(new Uint8Array(1001))).code, "body_too_large");
  assert.equal((await put(streamed(1100))).code, "body_too_large");
  assert.equal((await put(streamed(100_000))).code, "body_too_large");
  assert.equal((await put(new Uint8Array(10))).status, 200);
});

test("a caller that goes away in the middle of its body ends the handler's reading", async (t) => {
  const service = await startFake(t);
  const { port, hostname } = new URL(service.url);
  const socket = connect(Number(port), hostname);
  socket.write(
    `PUT ${ARTIFACT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer all\r\ncontent-length: 1000\r\n` +
      "content-type: application/octet-stream\r\n\r\nsome",
  );
  await once(socket, "connect");
  socket.destroySoon();
  await until(() => service.internal.length === 1);
  assert.match(String(service.internal[0]), /went away/);
});

test("a handler's signal fires when the caller goes away, and not after an answer", async (t) => {
  const service = await startFake(t);
  const signals: AbortSignal[] = [];
  service.read = async (call) => {
    signals.push(call.signal);
    return RUN;
  };
  await send(service, "GET", `/internal/v1/runs/${RUN_ID}`);
  const aborted = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  service.read = async (call) => {
    call.signal.addEventListener("abort", () => aborted.resolve());
    reached.resolve();
    await aborted.promise;
    return RUN;
  };
  const controller = new AbortController();
  const path = `${service.url}/internal/v1/runs/${RUN_ID}`;
  const gone = fetch(path, { headers: { authorization: "Bearer all" }, signal: controller.signal });
  await reached.promise;
  controller.abort();
  await assert.rejects(gone, { name: "AbortError" });
  await aborted.promise;
  assert.equal(signals[0]?.aborted, false);
});

test("malformed HTTP is answered with a problem", async (t) => {
  const service = await startFake(t);
  const { port, hostname } = new URL(service.url);
  const socket = connect(Number(port), hostname);
  socket.end("NONSENSE\r\n\r\n");
  let text = "";
  for await (const chunk of socket) text += String(chunk);
  assert.match(text, /^HTTP\/1\.1 400 Bad Request\r\ncontent-type: application\/problem\+json/);
  assert.match(text, /"code":"malformed_request"/);
});

test("every answered call is observed by its method's name and status", async (t) => {
  const service = await startFake(t);
  await createRun(service);
  await createRun(service, { body: "{" });
  await send(service, "GET", "/internal/v1/runs", { headers: { authorization: undefined } });
  await until(() => service.observed.length === 3);
  assert.deepEqual(service.observed, [
    ["openagents.runtime.v1.Runs.CreateRun", 201],
    ["openagents.runtime.v1.Runs.CreateRun", 400],
    ["openagents.runtime.v1.Runs.ListRuns", 401],
  ]);
});

const KINDS = compileProto(`
service Kinds {
  rpc Admin(Empty) returns (Empty) {
    option (google.api.http) = {get: "/kinds/admin"};
    option (openagents.protocol.v1.route) = {owner: OWNER_ANY access: ACCESS_ADMIN scope: "kinds:read" effect: EFFECT_READ};
  }
  rpc Service(Empty) returns (Empty) {
    option (google.api.http) = {get: "/kinds/service"};
    option (openagents.protocol.v1.route) = {owner: OWNER_ANY access: ACCESS_SERVICE scope: "runs:read" effect: EFFECT_READ};
  }
  rpc Keyed(KeyedRequest) returns (Empty) {
    option (google.api.http) = {post: "/kinds/keyed" body: "*"};
    option (openagents.protocol.v1.route) = {owner: OWNER_ANY access: ACCESS_USER scope: "runs:write" effect: EFFECT_COMMAND
      body_bytes_max: 100};
  }
}
message Empty {}
message KeyedRequest { string idempotency_key = 1; }
`).contract("Kinds");

const kinds = () => {
  const keys: string[] = [];
  const binding = handled(KINDS, {
    admin: async () => ({}),
    service: async () => ({}),
    keyed: async (_input: unknown, call: { idempotencyKey: string }) => {
      keys.push(call.idempotencyKey);
      return { status: 200, contentType: JSON_TYPE, body: "{}", replayed: false };
    },
  });
  return { keys, binding };
};

test("admin routes need the scope and `admin`, service routes a service", async (t) => {
  const service = await startFake(t, [kinds().binding]);
  const get = async (path: string, token: string) =>
    send(service, "GET", path, { headers: { authorization: `Bearer ${token}` } });
  assert.match((await get("/kinds/admin", "kinds:read")).text, /scope `admin`/);
  assert.match((await get("/kinds/admin", "admin")).text, /scope `kinds:read`/);
  assert.equal((await get("/kinds/admin", "admin,kinds:read")).status, 200);
  assert.equal((await get("/kinds/service", "all")).code, "wrong_principal_kind");
  assert.equal((await get("/kinds/service", "service")).status, 200);
});

test("a message may carry its own idempotency key; header and message must agree", async (t) => {
  const { keys, binding } = kinds();
  const service = await startFake(t, [binding]);
  const post = (header: string | undefined, body: string) =>
    send(service, "POST", "/kinds/keyed", { body, headers: { "idempotency-key": header } });
  assert.equal((await post(undefined, '{"idempotency_key":"b"}')).status, 200);
  assert.equal((await post("h", "{}")).status, 200);
  assert.equal((await post("same", '{"idempotency_key":"same"}')).status, 200);
  assert.equal((await post("h", '{"idempotency_key":"b"}')).code, "idempotency_key_mismatch");
  assert.equal((await post(undefined, "{}")).code, "idempotency_key_required");
  assert.deepEqual(keys, ["b", "h", "same"]);
});

test("a route's own limit holds for its JSON", async (t) => {
  const service = await startFake(t, [kinds().binding]);
  const post = (bytes: number) =>
    send(service, "POST", "/kinds/keyed", {
      body: JSON.stringify({ idempotency_key: "k" }).padEnd(bytes),
      headers: { "idempotency-key": "k" },
    });
  assert.equal((await post(100)).status, 200);
  assert.match((await post(101)).text, /larger than 100 bytes/);
});

test("mounting refuses a method without implementation, and one of another owner", () => {
  const incomplete: Binding = { contract: Health, handlers: {} };
  assert.throws(
    () => mount(Fastify(), [incomplete], { authenticate }),
    /Health\.GetHealth has no implementation/,
  );
  const binding = handled(methodless("OWNER_WALLET", 'get: "/x"'), { do: async () => ({}) });
  assert.throws(() => mount(Fastify(), [binding], { authenticate, owner: "runtime" }), /belongs to wallet/);
});

test("mounting refuses what its contract leaves open", () => {
  const option = `option (openagents.protocol.v1.route) = {owner: OWNER_ANY access: ACCESS_USER scope: "a:b" effect: EFFECT_READ};`;
  const http = `option (google.api.http) = {get: "/x"};`;
  const service = (name: string, options: string, request = "Empty") =>
    `service ${name} { rpc Do(${request}) returns (Empty) { ${options} } }`;
  const bad = compileProto(`
    message Empty {}
    message Ruled { string v = 1 [(buf.validate.field).string.email = true]; }
    message Listed { repeated string v = 1; }
    ${service("NoRoute", http)}
    ${service("NoHttp", option)}
    ${service("PublicCommand", `option (google.api.http) = {post: "/x" body: "*"}; ${option.replace("USER", "PUBLIC").replace('"a:b"', '""').replace("EFFECT_READ", "EFFECT_COMMAND")}`)}
    ${service("NoScope", `${http} ${option.replace('"a:b"', '""')}`)}
    ${service("NoOwner", `${http} ${option.replace("OWNER_ANY", "OWNER_UNSPECIFIED")}`)}
    ${service("GetCommand", `${http} ${option.replace("EFFECT_READ", "EFFECT_COMMAND")}`)}
    ${service("BadRule", `${http} ${option}`, "Ruled")}
    ${service("ListInQuery", `${http} ${option}`, "Listed")}
    ${service("UnknownParam", `option (google.api.http) = {get: "/x/{nothing}"}; ${option}`)}
  `);
  for (const [name, message] of [
    ["NoRoute", /NoRoute\.Do: has no option/],
    ["NoHttp", /NoHttp\.Do: has no google\.api\.http/],
    ["PublicCommand", /no command is public/],
    ["NoScope", /needs a scope/],
    ["NoOwner", /leaves Owner unspecified/],
    ["GetCommand", /GET has no body and commands nothing/],
    ["BadRule", /test\.v1\.Ruled\.v: `email`/],
    ["ListInQuery", /cannot travel in a query/],
    ["UnknownParam", /`nothing` is no scalar field/],
  ] as const) {
    const binding = handled(bad.contract(name), { do: async () => ({}) });
    assert.throws(() => mount(Fastify(), [binding], { authenticate }), message, name);
  }
});

test("two methods cannot share a route", () => {
  const binding = handled(methodless("OWNER_ANY", 'get: "/healthz"'), { do: async () => ({}) });
  const health = bind(Health, { getHealth: never, getReadiness: never, getMetrics: never });
  assert.throws(() => mount(Fastify(), [health, binding], { authenticate }), /share the route GET \/healthz/);
});

test("what can be followed as it comes is said by the contract and done by the service, both or neither", () => {
  const silent = handled(methodless("OWNER_RUNTIME", 'get: "/x"', "event_stream: true"), {
    do: async () => ({}),
  });
  assert.throws(() => mount(Fastify(), [silent], { authenticate }), /Other\.Do has nothing that follows it/);
  const unsaid = {
    ...handled(methodless("OWNER_RUNTIME", 'get: "/x"'), { do: async () => ({}) }),
    live: { do: async () => undefined },
  };
  assert.throws(
    () => mount(Fastify(), [unsaid], { authenticate }),
    /Other\.Do is not followed in its contract/,
  );
});

function methodless(owner: string, http: string, more = ""): Contract {
  return compileProto(`
    message Empty {}
    service Other { rpc Do(Empty) returns (Empty) {
      option (google.api.http) = {${http}};
      option (openagents.protocol.v1.route) = {owner: ${owner} access: ACCESS_USER scope: "a:b" effect: EFFECT_READ ${more}};
    } }
  `).contract("Other");
}

function handled(contract: Contract, handlers: Binding["handlers"]): Binding {
  return { contract, handlers };
}

async function never(): Promise<never> {
  throw new Error("not called");
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
