import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { Artifacts, Health, ProblemError, Runs, createClient, type CommandCall } from "../src/index.ts";
import { JSON_TYPE, RUN, startFake } from "./fake-service.ts";

const SHA = "a".repeat(64);

/** A `fetch` that answers from a list and remembers what was sent. */
function scripted(answers: readonly (() => Response | Promise<Response>)[]) {
  const sent: { readonly headers: Headers }[] = [];
  const fetch: typeof globalThis.fetch = async (_url, init = {}) => {
    sent.push({ headers: new Headers(init.headers) });
    const answer = answers[Math.min(sent.length, answers.length) - 1];
    if (answer === undefined) throw new Error("no answer is scripted");
    return answer();
  };
  return { sent, fetch };
}

const created = () => json(201, { run: WIRE_RUN, receipt_id: "rcpt_1" });

const json = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } });

const problem = (status: number, code: string) =>
  json(status, { code, detail: "no", status, retry_after_ms: 1 });

const lost = () => Promise.reject(new TypeError("fetch failed"));

const WIRE_RUN = {
  run_id: RUN.runId,
  org: "org_a",
  created_by: "usr_a",
  status: "running",
  metadata: {},
  latest_seq: 1,
  trajectory_hash: "",
  created_at: "1970-01-01T00:00:00.000Z",
  updated_at: "1970-01-01T00:00:00.000Z",
};

test("calls go through a mounted service and come back typed", async (t) => {
  const service = await startFake(t);
  const runs = createClient(Runs, { baseUrl: `${service.url}/`, token: async () => "all" });
  const answers: unknown[] = [];
  const { run } = await runs.createRun(
    { issue: { title: "t", body: "" }, metadata: { a: [1, null] } },
    { idempotencyKey: "k", onAnswer: ({ status, replayed }) => answers.push([status, replayed]) },
  );
  assert.deepEqual(run, RUN);
  assert.deepEqual(answers, [[201, false]]);
  assert.deepEqual(await runs.listRuns({ limit: 2, status: "failed", cursor: "a/b?c=d&e" }), { runs: [RUN] });
  assert.deepEqual(await runs.getRun({ runId: RUN.runId }), { run: RUN });
  assert.deepEqual(
    service.seen.map(({ input }) => input),
    [
      { issue: { title: "t", body: "" }, metadata: { a: [1, null] } },
      { cursor: "a/b?c=d&e", limit: 2, status: "failed" },
      { runId: RUN.runId },
    ],
  );
});

test("byte streams go out from buffers and streams, and come in whole", async (t) => {
  const service = await startFake(t);
  const artifacts = createClient(Artifacts, { baseUrl: service.url, token: "all" });
  const bytes = Buffer.alloc(200_000, 7);
  for (const data of [bytes, Readable.from([bytes.subarray(0, 10), bytes.subarray(10)])]) {
    const stored = await artifacts.putArtifact({ sha256: SHA, content: { contentType: "text/x", data } });
    assert.deepEqual(stored, { sha256: SHA, bytes: 200_000n });
  }
  for (const { input } of service.seen) {
    assert.deepEqual(input, { sha256: SHA, content: { contentType: "text/x", data: bytes } });
  }
  const got = await artifacts.getArtifact({ sha256: SHA });
  assert.equal(got.contentType, "application/octet-stream");
  assert.equal(Buffer.from(got.data).toString(), "bytes");
});

test("what the service refuses becomes a ProblemError with all that it said", async (t) => {
  const service = await startFake(t);
  service.read = async () => {
    throw new ProblemError({
      status: 409,
      code: "c",
      detail: "d",
      reason: "r",
      receiptId: "rcpt_2",
      retryAfterMs: 7,
    });
  };
  const runs = createClient(Runs, { baseUrl: service.url, token: "all" });
  const error = await rejection(runs.getRun({ runId: RUN.runId }));
  const { status, code, detail, reason, receiptId, retryAfterMs, title } = error;
  assert.deepEqual(
    { status, code, detail, reason, receiptId, retryAfterMs, title },
    {
      status: 409,
      code: "c",
      detail: "d",
      reason: "r",
      receiptId: "rcpt_2",
      retryAfterMs: 7,
      title: "Conflict",
    },
  );
  assert.match(error.requestId ?? "", /^req_/);
  const invalid = await rejection(runs.getRun({ runId: "x" }));
  assert.deepEqual(
    invalid.fieldErrors.map(({ field, code: rule }) => [field, rule]),
    [["run_id", "wrong_format"]],
  );
});

test("a command keeps one key over lost answers, 503 and 409 idempotency_in_flight", async () => {
  const script = [lost, () => problem(503, "draining"), () => problem(409, "idempotency_in_flight"), created];
  const { sent, fetch } = scripted(script);
  const runs = createClient(Runs, { baseUrl: "http://x", token: "t", fetch });
  await runs.createRun({ metadata: {} });
  assert.equal(sent.length, 4);
  const keys = new Set(sent.map(({ headers }) => headers.get("idempotency-key")));
  assert.equal(keys.size, 1);
  assert.match([...keys][0] ?? "", /^[0-9a-f-]{36}$/);
});

test("two commands have two keys", async () => {
  const { sent, fetch } = scripted([created]);
  const runs = createClient(Runs, { baseUrl: "http://x", token: "t", fetch });
  await runs.createRun({ metadata: {} });
  await runs.createRun({ metadata: {} });
  assert.notEqual(sent[0]?.headers.get("idempotency-key"), sent[1]?.headers.get("idempotency-key"));
});

test("attempts are bounded, and the last error is told", async () => {
  const { sent, fetch } = scripted([lost]);
  const runs = createClient(Runs, { baseUrl: "http://x", token: "t", fetch, attemptsMax: 3 });
  assert.equal((await rejection(runs.createRun({ metadata: {} }))).code, "unreachable");
  assert.equal(sent.length, 3);
});

for (const [status, code] of [
  [409, "policy"],
  [422, "idempotency_key_reused"],
  [400, "invalid_request"],
  [500, "internal"],
] as const) {
  test(`an answer of ${status} ${code} is final`, async () => {
    const { sent, fetch } = scripted([() => problem(status, code)]);
    const runs = createClient(Runs, { baseUrl: "http://x", token: "t", fetch });
    assert.equal((await rejection(runs.createRun({ metadata: {} }))).code, code);
    assert.equal(sent.length, 1);
  });
}

test("a read is sent once, and so is a body that can be read once", async () => {
  const { sent, fetch } = scripted([lost]);
  const options = { baseUrl: "http://x", token: "t", fetch };
  await rejection(createClient(Runs, options).getRun({ runId: RUN.runId }));
  const content = { contentType: "", data: Readable.from([Buffer.from("x")]) };
  await rejection(createClient(Artifacts, options).putArtifact({ sha256: SHA, content }));
  assert.equal(sent.length, 2);
});

test("an abort ends the call with its own reason, also between attempts", async () => {
  const reason = new Error("the user went away");
  const controller = new AbortController();
  const { sent, fetch } = scripted([
    () => {
      controller.abort(reason);
      return problem(503, "draining");
    },
  ]);
  const runs = createClient(Runs, { baseUrl: "http://x", token: "t", fetch });
  const call = runs.createRun({ metadata: {} }, { signal: controller.signal });
  await assert.rejects(call, (error) => error === reason);
  assert.equal(sent.length, 1);
});

test("an abort while an answer is awaited ends the call with its own reason", async (t) => {
  const service = await startFake(t);
  const reason = new Error("the user went away");
  const controller = new AbortController();
  const never = Promise.withResolvers<typeof RUN>();
  service.read = () => {
    controller.abort(reason);
    return never.promise;
  };
  const runs = createClient(Runs, { baseUrl: service.url, token: "all" });
  const call = runs.getRun({ runId: RUN.runId }, { signal: controller.signal });
  await assert.rejects(call, (error) => error === reason);
  never.resolve(RUN);
});

test("an attempt that lasts too long is given up as a timeout", async (t) => {
  const service = await startFake(t);
  const never = Promise.withResolvers<typeof RUN>();
  service.read = () => never.promise;
  const runs = createClient(Runs, { baseUrl: service.url, token: "all", timeoutMs: 20 });
  assert.equal((await rejection(runs.getRun({ runId: RUN.runId }))).code, "timeout");
  never.resolve(RUN);
});

test("an answer of a newer service is read: what this build does not know is passed over", async () => {
  const { fetch } = scripted([
    () => json(200, { run: { ...WIRE_RUN, colour: "red", nested: { a: 1 } }, extra: [] }),
  ]);
  const runs = createClient(Runs, { baseUrl: "http://x", token: "t", fetch });
  assert.deepEqual(await runs.getRun({ runId: RUN.runId }), { run: RUN });
});

test("an answer that is no answer of the contract is told as that", async () => {
  for (const answer of [
    () => new Response("<html>"),
    () => json(200, { run: { ...WIRE_RUN, latest_seq: "1" } }),
  ]) {
    const { fetch } = scripted([answer]);
    const runs = createClient(Runs, { baseUrl: "http://x", token: "t", fetch });
    assert.equal((await rejection(runs.getRun({ runId: RUN.runId }))).code, "malformed_answer");
  }
  const { fetch } = scripted([() => new Response("<html>", { status: 502 })]);
  const error = await rejection(
    createClient(Runs, { baseUrl: "http://x", token: "t", fetch }).getRun({ runId: RUN.runId }),
  );
  assert.deepEqual([error.status, error.code], [502, "http_502"]);
});

test("a request that the contract cannot carry is not sent", async () => {
  const { sent, fetch } = scripted([created]);
  const runs = createClient(Runs, { baseUrl: "http://x", token: "t", fetch });
  const error = await rejection(runs.createRun({ metadata: { a: "x\0y" } }));
  assert.deepEqual([error.code, error.fieldErrors[0]?.field], ["invalid_request", "metadata.a"]);
  assert.equal(sent.length, 0);
});

test("tokens go to routes that read them and not to public ones, and the client says what it is", async () => {
  const { sent, fetch } = scripted([
    () => json(200, { status: "ok", service: "s", version: "1", uptime_ms: 1 }),
  ]);
  await createClient(Health, {
    baseUrl: "http://x",
    token: "t",
    fetch,
    buildId: "20260221T130000Z",
  }).getHealth({});
  const headers = sent[0]?.headers;
  assert.equal(headers?.get("authorization"), null);
  assert.equal(headers?.get("x-oa-protocol-version"), "openagents.v1");
  assert.equal(headers?.get("x-oa-schema-version"), "1");
  assert.equal(headers?.get("x-oa-client-build-id"), "20260221T130000Z");
});

test("a replayed answer is told apart", async (t) => {
  const service = await startFake(t);
  const body = JSON.stringify({ run: WIRE_RUN, receipt_id: "rcpt_1" });
  service.reply = (_call: CommandCall) => ({ status: 201, contentType: JSON_TYPE, body, replayed: true });
  const runs = createClient(Runs, { baseUrl: service.url, token: "all" });
  const answers: boolean[] = [];
  await runs.createRun({ metadata: {} }, { onAnswer: ({ replayed }) => answers.push(replayed) });
  assert.deepEqual(answers, [true]);
});

async function rejection(call: Promise<unknown>): Promise<ProblemError> {
  const error: unknown = await call.then(
    () => assert.fail("the call succeeded"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ProblemError, String(error));
  return error;
}
