// Telling a provider of its jobs: what may be called, that each is told once,
// and that the job goes its way whatever comes of it.

import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { test } from "node:test";
import { connect, statement } from "@openagents/postgres";
import { pushHash, verifySignature } from "@openagents/receipts";
import { manualClock } from "@openagents/testing";
import { answers, cutsOff, startEndpoint, type Endpoint } from "./endpoint.ts";
import { assertSound, grant } from "./ledger-checks.ts";
import { startHarness, type Harness } from "./harness.ts";
import {
  FIXED,
  PRICE,
  PROVIDER,
  SECOND_PRICE,
  claimAnswer,
  earnedBy,
  joinMarket,
  order,
  register,
  report,
  settle,
  verify,
  work,
  TOTAL,
  type Party,
} from "./market.ts";

const OWNER = { sub: "dev_provider", org: "org_provider" };
const OWN = { sub: "dev_own", org: "org_a" };

test("only an https address on the public internet is registered, and its owner alone sees it", async (t) => {
  const runtime = await startHarness(t);
  const token = await runtime.token(OWNER);
  const refused: readonly (readonly [string, string])[] = [
    ["https://169.254.169.254", "address_not_allowed"],
    ["https://[fd00:ec2::254]", "address_not_allowed"],
    ["https://127.0.0.1:9", "address_not_allowed"],
    ["http://127.0.0.1:9", "address_not_allowed"],
    ["https://[::1]", "address_not_allowed"],
    ["https://[::ffff:169.254.169.254]", "address_not_allowed"],
    ["https://[::ffff:7f00:1]", "address_not_allowed"],
    ["https://[64:ff9b::a9fe:a9fe]", "address_not_allowed"],
    ["https://2852039166", "address_not_allowed"],
    ["https://0xa9fea9fe", "address_not_allowed"],
    ["https://0251.0376.0251.0376", "address_not_allowed"],
    ["https://10.1", "address_not_allowed"],
    ["https://0", "address_not_allowed"],
    ["http://provider.example", "not_encrypted"],
    ["http://8.8.8.8", "not_encrypted"],
    ["https://user:password@provider.example", "url_invalid"],
    ["https://", "url_invalid"],
    ["https://provider.example/?to=", "url_invalid"],
    ["https://provider.example/#", "url_invalid"],
    ["https://provider.example/", "url_invalid"],
  ];
  for (const [endpoint_url, code] of refused) {
    const answer = await runtime.post("/internal/v1/workers", { ...PROVIDER, endpoint_url }, { token });
    assert.deepEqual([answer.status, answer.json.code], [400, code], `${endpoint_url}: ${answer.text}`);
  }
  for (const endpoint_url of ["ftp://provider.example", "provider.example", "https://a b"]) {
    const answer = await runtime.post("/internal/v1/workers", { ...PROVIDER, endpoint_url }, { token });
    assert.equal(answer.status, 400, endpoint_url);
  }
  const endpoint_url = "https://provider.example:8443/oa";
  const workerId = await register(runtime, token, PRICE, undefined, { endpoint_url });
  const path = `/internal/v1/workers/${workerId}`;
  assert.equal((await runtime.get(path, { token })).json.worker.endpoint_url, endpoint_url);
  assert.equal((await runtime.get(path)).status, 404);
  await register(runtime, token, PRICE, workerId);
  assert.equal((await runtime.get(path, { token })).json.worker.endpoint_url, undefined);
});

test("a name that leads inside is not called, and the job goes to another", async (t) => {
  const lists: Record<string, readonly string[]> = {
    "metadata.example": ["169.254.169.254"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "loopback.example": ["127.0.0.1"],
    "mixed.example": ["93.184.216.34", "10.0.0.7"],
    localhost: ["::1"],
  };
  const resolve = async (name: string) => lists[name] ?? [];
  const clock = manualClock(Date.now());
  const runtime = await startHarness(t, { nowMs: clock.nowMs, resolve });
  for (const name of Object.keys(lists)) {
    const { first, jobId } = await startPushed(runtime, `https://${name}`);
    assert.deepEqual(await outcomeOf(runtime, jobId), ["failed", "address_not_allowed"], name);
    await stop(runtime, first);
    const other = await joinMarket(runtime, { sub: "dev_third", org: "org_third" }, PRICE);
    await sweep(runtime);
    assert.equal((await work({ runtime }, other, FIXED)).job_id, jobId, name);
    await stop(runtime, other);
  }
});

test("a name that leads elsewhere once it was checked leads nowhere: the address that was checked is called", async (t) => {
  const [checked, inside] = [await startEndpoint(t), await startEndpoint(t)];
  const asked: string[] = [];
  // Loopback is allowed here, and stands for the public address of the first answer.
  const resolve = async (name: string) => {
    asked.push(name);
    return asked.length === 1 ? ["127.0.0.1"] : ["169.254.169.254"];
  };
  const runtime = await startHarness(t, { pushToLoopback: true, resolve });
  const { jobId } = await startPushed(runtime, `http://rebinding.example:${checked.port}`);
  assert.deepEqual(await outcomeOf(runtime, jobId), ["succeeded", undefined]);
  assert.deepEqual([asked, checked.pushes.length], [["rebinding.example"], 1]);

  asked.length = 0;
  const rebound = async (name: string) => {
    asked.push(name);
    return asked.length === 1 ? ["169.254.169.254"] : ["127.0.0.1"];
  };
  const other = await startHarness(t, { pushToLoopback: true, resolve: rebound });
  const pushed = await startPushed(other, `http://rebinding.example:${inside.port}`);
  assert.deepEqual(await outcomeOf(other, pushed.jobId), ["failed", "address_not_allowed"]);
  assert.deepEqual([asked.length, inside.pushes.length], [1, 0]);
});

test("a redirect is not followed, and who refuses may still claim", async (t) => {
  const inside = await startEndpoint(t);
  const runtime = await startHarness(t, { pushToLoopback: true });
  const moved = { location: `${inside.url}/v1/sandbox_run` };
  for (const [answering, reason] of [
    [answers(302, moved), "redirect_refused"],
    [answers(307, moved), "redirect_refused"],
    [answers(404), "refused"],
    [answers(401), "refused"],
  ] as const) {
    const endpoint = await startEndpoint(t, answering);
    const { first, jobId } = await startPushed(runtime, endpoint.url);
    assert.deepEqual(await outcomeOf(runtime, jobId), ["failed", reason]);
    const path = `/internal/v1/workers/${first.workerId}/jobs`;
    const [told] = (await runtime.get(path, { token: first.token })).json.jobs;
    assert.deepEqual([told.job_id, told.push_status], [jobId, "failed"]);
    assert.ok(told.push_detail.length > 0, "its owner is told what went wrong");
    assert.equal((await work({ runtime }, first, FIXED)).job_id, jobId);
    assert.equal(endpoint.pushes.length, 1);
    await stop(runtime, first);
  }
  assert.deepEqual(inside.pushes, []);
});

test("eight dispatches at once push one job once, signed by the runtime, with no secret in it", async (t) => {
  const endpoint = await startEndpoint(t);
  const runtime = await startHarness(t, { pushToLoopback: true });
  const { first, dispatched, ordered } = await startOrder(runtime, endpoint.url);
  const all = await Promise.all(Array.from({ length: 8 }, () => ordered.dispatch()));
  assert.equal(all.filter(({ status }) => status === 201).length, 1);
  const jobId = dispatched(all);
  assert.deepEqual(await outcomeOf(runtime, jobId), ["succeeded", undefined]);
  const jobs = await runtime.get(`/internal/v1/workers/${first.workerId}/jobs`, { token: first.token });
  assert.deepEqual([jobs.json.jobs[0].push_status, jobs.json.jobs[0].push_detail], ["succeeded", undefined]);
  await ordered.dispatch();
  const [push, ...more] = endpoint.pushes;
  assert.ok(push);
  assert.deepEqual(more, []);
  assert.deepEqual([push.path, push.key], ["/v1/sandbox_run", jobId]);
  assert.deepEqual(JSON.parse(push.body), {
    job_id: jobId,
    worker_id: first.workerId,
    runtime_url: runtime.url,
  });
  const signer = await runtime.get("/internal/v1/receipt-signer");
  assert.ok(verifySignature(push.signature, pushHash(push.body), signer.json.public_key));
  assert.ok(!verifySignature(push.signature, pushHash(`${push.body} `), signer.json.public_key));
});

test("a push whose answer is lost is not sent again, and what became of it is known by the claim", async (t) => {
  const clock = manualClock(Date.now());
  const runtime = await startHarness(t, { nowMs: clock.nowMs, pushToLoopback: true });
  for (const [jobs, answering] of [
    [1, cutsOff],
    [2, answers(503)],
  ] as const) {
    const endpoint = await startEndpoint(t, answering);
    const { first, jobId } = await startPushed(runtime, endpoint.url);
    await untilIntent(runtime, jobId, (intent) => {
      clock.advance(1_000);
      return intent.status === "unknown" && intent.attempts >= 2;
    });
    const again = { ...first, token: await runtime.token(OWNER) };
    assert.equal((await work({ runtime }, again, FIXED)).job_id, jobId);
    await untilIntent(runtime, jobId, (intent) => {
      clock.advance(1_000);
      return intent.status === "succeeded";
    });
    assert.equal(endpoint.pushes.length, 1);
    assert.equal(await countJobs(runtime), jobs);
    await stop(runtime, first);
  }
});

test("a push that a crash kept from being sent is sent after the restart; one that it may have sent is not", async (t) => {
  for (const begun of [false, true]) {
    const clock = manualClock(Date.now());
    const closed = await startEndpoint(t);
    const runtime = await startHarness(t, { nowMs: clock.nowMs, pushToLoopback: true });
    // Nobody listens at the discard port here, so that the push stays unsent.
    const { first, jobId } = await startPushed(runtime, "http://127.0.0.1:9");
    await untilIntent(runtime, jobId, ({ status, attempts }) => status === "pending" && attempts > 0);
    await register(runtime, first.token, PRICE, first.workerId, { endpoint_url: closed.url });
    await runtime.stop();
    // As a process leaves it that is killed between taking it up and sending it.
    if (begun) await markBegun(runtime, jobId, clock.nowMs());
    clock.advance(120_000);
    const { databaseUrl } = runtime;
    const restarted = await startHarness(t, { nowMs: clock.nowMs, databaseUrl, pushToLoopback: true });
    if (!begun) {
      assert.deepEqual(await outcomeOf(restarted, jobId), ["succeeded", undefined]);
    } else {
      await untilIntent(restarted, jobId, ({ status }) => status === "unknown");
      const again = { ...first, token: await restarted.token(OWNER) };
      assert.equal((await work({ runtime: restarted }, again, FIXED)).job_id, jobId);
      clock.advance(60_000);
      assert.deepEqual(await outcomeOf(restarted, jobId), ["succeeded", undefined]);
    }
    assert.equal(closed.pushes.length, begun ? 0 : 1);
    assert.equal(await countJobs(restarted), 1);
    await restarted.stop();
  }
});

test("a runtime that is killed while a provider is being told does not tell it again, and the job is the provider's to claim", async (t) => {
  const endpoint = await startEndpoint(t, () => undefined);
  const killed = await startHarness(t, { ownProcess: true, pushToLoopback: true });
  const { first, jobId } = await startPushed(killed, endpoint.url);
  await endpoint.arrived(1);
  await killed.stop();
  const { databaseUrl, artifactsDir } = killed;
  const clock = manualClock(Date.now() + 120_000);
  const runtime = await startHarness(t, {
    nowMs: clock.nowMs,
    databaseUrl,
    artifactsDir,
    pushToLoopback: true,
  });
  await untilIntent(runtime, jobId, ({ status }) => status === "unknown");
  const again = { ...first, token: await runtime.token(OWNER) };
  assert.equal((await work({ runtime }, again, FIXED)).job_id, jobId);
  clock.advance(60_000);
  assert.deepEqual(await outcomeOf(runtime, jobId), ["succeeded", undefined]);
  assert.equal(endpoint.pushes.length, 1);
  assert.equal(await countJobs(runtime), 1);
});

test("a pushed job, and its pushed second opinion, run to payment", async (t) => {
  const at = { first: await startEndpoint(t), second: await startEndpoint(t) };
  const runtime = await startHarness(t, { pushToLoopback: true });
  const own = await joinMarket(runtime, OWN, SECOND_PRICE, { endpoint_url: at.second.url });
  const { first, jobId } = await startPushed(runtime, at.first.url, own);
  await at.first.arrived(1);
  const done = await work({ runtime }, first, FIXED);
  assert.equal(done.job_id, jobId);
  const asked = await verify({ runtime }, done);
  assert.equal(asked.json.verification.status, "awaiting_second_opinion", asked.text);
  await at.second.arrived(1);
  const told = pushedJobs(at.second);
  assert.deepEqual(told, [[asked.json.second_job.job_id, own.workerId]]);
  assert.equal((await work({ runtime }, own, FIXED)).job_id, asked.json.second_job.job_id);
  assert.equal((await verify({ runtime }, done)).json.verification.verdict, "proven");
  assert.equal((await settle({ runtime }, done)).json.settlement.status, "released");
  assert.equal(await earnedBy({ runtime }, first), PRICE);
  await assertSound(runtime);
});

test("who takes over is told, and each provider of a job once", async (t) => {
  const [first, second] = [await startEndpoint(t), await startEndpoint(t)];
  const runtime = await startHarness(t, { pushToLoopback: true });
  const { first: away, jobId } = await startPushed(runtime, first.url);
  await first.arrived(1);
  const other = await joinMarket(runtime, { sub: "dev_third", org: "org_third" }, PRICE, {
    endpoint_url: second.url,
  });
  await stop(runtime, away);
  await sweep(runtime);
  await sweep(runtime);
  await second.arrived(1);
  assert.deepEqual(pushedJobs(second), [[jobId, other.workerId]]);
  assert.equal(first.pushes.length, 1);
});

test("a push and eight pulls at once come to one lease", async (t) => {
  const endpoint = await startEndpoint(t);
  const runtime = await startHarness(t, { pushToLoopback: true });
  const { first, ordered } = await startOrder(runtime, endpoint.url);
  const pulls = (count: number) =>
    Array.from({ length: count }, () => claimAnswer({ runtime }, first, 5_000));
  const waiting = pulls(4);
  const dispatched = await ordered.dispatch();
  const claims = await Promise.all([...waiting, ...pulls(4)]);
  const leases = claims.flatMap(({ json }) => (json.lease === undefined ? [] : [json]));
  assert.equal(leases.length, 1);
  assert.equal(leases[0].job.job_id, dispatched.json.job.job_id);
  assert.deepEqual(await outcomeOf(runtime, leases[0].job.job_id), ["succeeded", undefined]);
  assert.ok(endpoint.pushes.length <= 1);
  assert.equal((await report({ runtime }, first, leases[0], FIXED)).status, 200);
});

/** A buyer with an order that is not dispatched, and a provider that is told at `endpointUrl`. */
async function startOrder(runtime: Harness, endpointUrl: string, own?: Party) {
  await grant(runtime, TOTAL);
  const first = await joinMarket(runtime, OWNER, PRICE, { endpoint_url: endpointUrl });
  if (own === undefined) await joinMarket(runtime, OWN, SECOND_PRICE);
  const ordered = await order(runtime, { dispatch: false });
  const dispatched = (all: readonly { readonly json: { readonly job?: { readonly job_id: string } } }[]) => {
    const jobId = all.find(({ json }) => json.job !== undefined)?.json.job?.job_id;
    assert.ok(jobId);
    return jobId;
  };
  return { first, ordered, dispatched };
}

async function startPushed(runtime: Harness, endpointUrl: string, own?: Party) {
  const { first, ordered, dispatched } = await startOrder(runtime, endpointUrl, own);
  return { first, jobId: dispatched([await ordered.dispatch()]) };
}

function pushedJobs(endpoint: Endpoint) {
  return endpoint.pushes.map(({ body }) => {
    const { job_id, worker_id } = JSON.parse(body);
    return [job_id, worker_id];
  });
}

async function stop(runtime: Harness, party: Party): Promise<void> {
  const token = await runtime.token(party.owner);
  const answer = await runtime.post(`/internal/v1/workers/${party.workerId}/stop`, {}, { token });
  assert.equal(answer.status, 200, answer.text);
}

async function sweep(runtime: Harness): Promise<void> {
  assert.equal((await runtime.post("/internal/v1/jobs/sweep", {})).status, 200);
}

type IntentRow = { readonly status: string; readonly attempts: number; readonly outcome: string | null };

async function withDatabase<T>(
  { databaseUrl }: Harness,
  use: (db: ReturnType<typeof connect>) => Promise<T>,
): Promise<T> {
  const db = connect({ url: databaseUrl, applicationName: "push_test" });
  try {
    return await use(db);
  } finally {
    await db.close();
  }
}

const FIND_PUSH = statement(
  "test.find_push",
  "SELECT status, attempts, outcome FROM authority.intents WHERE kind = 'provider.push' AND subject = $1",
);

/** The push of a job, once it is as wanted; its worker looks every second. */
function untilIntent(
  runtime: Harness,
  jobId: string,
  holds: (intent: IntentRow) => boolean,
): Promise<IntentRow> {
  return withDatabase(runtime, async (db) => {
    for (;;) {
      const [intent] = await db.query<IntentRow>(FIND_PUSH, [jobId]);
      if (intent !== undefined && holds(intent)) return intent;
      await delay(10);
    }
  });
}

async function outcomeOf(runtime: Harness, jobId: string): Promise<[string, string | undefined]> {
  const { outcome } = await untilIntent(runtime, jobId, (intent) => intent.outcome !== null);
  const { kind, reason } = JSON.parse(outcome ?? "{}");
  return [kind, reason];
}

const MARK_BEGUN = statement(
  "test.mark_begun",
  "UPDATE authority.intents SET sent_at_ms = $2, due_at_ms = $2, epoch = epoch + 1 WHERE subject = $1",
);

function markBegun(runtime: Harness, jobId: string, nowMs: number): Promise<unknown> {
  return withDatabase(runtime, (db) => db.query(MARK_BEGUN, [jobId, nowMs]));
}

const COUNT_JOBS = statement("test.count_jobs", "SELECT count(*)::int AS count FROM runtime.jobs");

async function countJobs(runtime: Harness): Promise<number | undefined> {
  const [jobs] = await withDatabase(runtime, (db) => db.query<{ count: number }>(COUNT_JOBS, []));
  return jobs?.count;
}
