// A worker that stops is out of the market until it registers again.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { startHarness } from "./harness.ts";
import { FIXED, claim, claimAnswer, report, startMarket } from "./market.ts";

test("a stopped worker is offered and given nothing until it registers again", async (t) => {
  const worker = await registered(t);
  assert.deepEqual(await worker.offered(), [worker.id]);
  for (let n = 0; n < 2; n += 1) {
    const stopped = await worker.stop();
    assert.equal(stopped.status, 200, stopped.text);
    assert.equal(stopped.json.worker.status, "stopped");
  }
  assert.deepEqual(await worker.offered(), []);
  assert.equal((await worker.claim()).status, 403);
  assert.equal((await worker.heartbeat()).json.worker.status, "stopped", "to live is not to work");
  assert.deepEqual(await worker.offered(), []);

  assert.equal((await worker.register()).json.worker.status, "running");
  assert.deepEqual(await worker.offered(), [worker.id]);
  assert.equal((await worker.claim()).status, 200);
});

test("a disabled worker cannot make itself a stopped one", async (t) => {
  const worker = await registered(t);
  await worker.disable();
  const answer = await worker.stop();
  assert.equal(answer.status, 403);
  assert.equal(answer.json.reason, "worker_disabled");
  assert.equal((await worker.register()).json.reason, "worker_disabled");
});

test("nobody else stops a worker, not even in the owner's organisation", async (t) => {
  const worker = await registered(t);
  for (const claims of [
    { sub: "dev_provider", org: "org_b" },
    { sub: "usr_b", org: "org_provider" },
  ]) {
    assert.equal((await worker.stop(claims)).status, 404);
  }
  assert.deepEqual(await worker.offered(), [worker.id]);
});

test("a worker raced by eight stops and registrations ends as one of them said", async (t) => {
  const worker = await registered(t);
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, n) => (n % 2 === 0 ? worker.stop() : worker.register())),
  );
  assert.deepEqual(new Set(answers.map((answer) => answer.status)), new Set([200, 201]));
  assert.equal((await worker.stop()).json.worker.status, "stopped");
});

test("what a worker holds when it stops goes on, and it takes nothing more", async (t) => {
  const market = await startMarket(t);
  const { first, runtime } = market;
  const { job, lease } = await claim(market, first);
  const path = `/internal/v1/workers/${first.workerId}/stop`;
  assert.equal((await runtime.post(path, {}, { token: first.token })).status, 200);
  const renewed = await runtime.post(
    `/internal/v1/jobs/${job.job_id}/lease`,
    { lease_id: lease.lease_id },
    { token: first.token },
  );
  assert.equal(renewed.status, 200, renewed.text);
  const handedIn = await report(market, first, { job, lease }, FIXED);
  assert.equal(handedIn.status, 200, handedIn.text);
  assert.equal((await claimAnswer(market, first)).status, 403);
});

for (const how of ["stop", "disable"]) {
  test(`a quote of a worker that left by ${how} orders nothing any more, and its money can be taken back`, async (t) => {
    const market = await startMarket(t, { dispatch: false });
    const { runtime, first, reservationId } = market;
    const path = `/internal/v1/workers/${first.workerId}/${how}`;
    const body = how === "stop" ? {} : { reason: "test" };
    assert.equal((await runtime.post(path, body, { token: first.token })).status, 200);
    const refused = await market.dispatch();
    assert.equal(refused.status, 409);
    assert.equal(refused.json.reason, "provider_unavailable");
    const voided = await runtime.post(`/internal/v1/treasury/compute/reservations/${reservationId}/void`, {});
    assert.equal(voided.status, 200, voided.text);
  });
}

async function registered(t: TestContext) {
  const runtime = await startHarness(t);
  const token = await runtime.token({ sub: "dev_provider", org: "org_provider" });
  const registration = {
    display_name: "test provider",
    roles: ["provider"],
    capabilities: ["oa.sandbox_run.v1"],
    price_msats: 1_000,
    caps: { memory_mib_max: 1024, disk_mib_max: 1024, wall_ms_max: 60_000, concurrent_jobs_max: 1 },
    toolchains: [],
  };
  const first = await runtime.post("/internal/v1/workers", registration, { token });
  assert.equal(first.status, 201, first.text);
  const id: string = first.json.worker.worker_id;
  const path = `/internal/v1/workers/${id}`;
  return {
    id,
    stop: async (claims = { sub: "dev_provider", org: "org_provider" }) =>
      runtime.post(`${path}/stop`, {}, { token: await runtime.token(claims) }),
    heartbeat: () => runtime.post(`${path}/heartbeat`, {}, { token }),
    disable: () => runtime.post(`${path}/disable`, { reason: "test" }, { token }),
    register: () => runtime.post("/internal/v1/workers", { ...registration, worker_id: id }, { token }),
    claim: () => runtime.post("/internal/v1/jobs/claim", { worker_id: id, wait_ms: 0 }, { token }),
    async offered(): Promise<string[]> {
      const { providers } = (await runtime.get("/internal/v1/marketplace/catalog/providers")).json;
      return providers.map((provider: { worker_id: string }) => provider.worker_id);
    },
  };
}
