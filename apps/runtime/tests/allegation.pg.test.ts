// What a party of a job reports about it is on record, and nothing follows by itself.

import assert from "node:assert/strict";
import { test } from "node:test";
import { FIXED, joinMarket, settle, startMarket, workAndVerify, type Market } from "./market.ts";

const INCIDENTS = "/internal/v1/fraud/incidents";
const CLAIM = "the worker asked for money outside of the market";

test("both parties of a job may report it once each, see each other's report, and nobody else does", async (t) => {
  const market = await startMarket(t);
  const { job } = await workAndVerify(market, FIXED);
  const evidence = [`artifact:${"a".repeat(64)}`, `run:${market.runId}`];
  const buyer = await tell(market, job.job_id, { evidence });
  assert.equal(buyer.status, 201, buyer.text);
  const { incident } = buyer.json;
  assert.deepEqual(
    [incident.kind, incident.status, incident.reporter, incident.detail, incident.evidence],
    ["allegation", "open", "buyer", CLAIM, evidence],
  );
  const receipt = (await market.runtime.get(`/internal/v1/receipts/${buyer.json.receipt_id}`)).json.receipt;
  assert.deepEqual([receipt.kind, receipt.reporter, receipt.evidence], ["allegation", "buyer", evidence]);

  const provider = await tell(market, job.job_id, {}, market.first.token);
  assert.equal(provider.json.incident.reporter, "provider", provider.text);
  const again = await tell(market, job.job_id);
  assert.equal(again.json.reason, "already_reported");
  assert.match(again.json.detail, new RegExp(incident.incident_id));

  const narrow = (sub: string, org: string) =>
    market.runtime.token({ sub, org, scopes: ["fraud:read", "fraud:report"] });
  for (const [sub, org, seen] of [
    ["usr_owner", "org_a", 2],
    ["dev_provider", "org_provider", 2],
    ["usr_b", "org_b", 0],
  ] as const) {
    const token = await narrow(sub, org);
    assert.equal((await market.runtime.get(INCIDENTS, { token })).json.incidents.length, seen, org);
    const one = await market.runtime.get(`${INCIDENTS}/${incident.incident_id}`, { token });
    assert.equal(one.status, seen === 0 ? 404 : 200);
  }
  assert.equal((await tell(market, job.job_id, {}, await narrow("usr_b", "org_b"))).status, 404);
});

test("a report strikes nobody, orders no run and holds no money, and a dispute of the job is still open to its buyer", async (t) => {
  const market = await startMarket(t);
  const { runtime } = market;
  const { job } = await workAndVerify(market, FIXED);
  const { incident_id: id } = (await tell(market, job.job_id)).json.incident;
  await joinMarket(runtime, { sub: "svc_reserve", org: "org_operator", zone: "0" }, 1);
  const adjudicated = await runtime.post(`${INCIDENTS}/${id}/adjudicate`, {});
  assert.equal(adjudicated.json.reason, "incident_is_allegation", adjudicated.text);
  assert.equal((await settle(market, job)).json.settlement.status, "released");
  const worker = await runtime.get(`/internal/v1/workers/${market.first.workerId}`, {
    token: market.first.token,
  });
  assert.equal(worker.json.worker.strikes, 0);
  const told = (await runtime.get(`${INCIDENTS}/${id}`)).json.incident;
  assert.deepEqual([told.status, told.third_job_id], ["open", undefined]);
  const disputed = await runtime.post("/internal/v1/fraud/disputes", { job_id: job.job_id, claim: "x" });
  assert.equal(disputed.status, 201, disputed.text);
  const wrong = await resolve(market, disputed.json.incident.incident_id);
  assert.equal(wrong.json.reason, "not_an_allegation");
});

test("eight reports of one party at once are one", async (t) => {
  const market = await startMarket(t);
  const { job } = await workAndVerify(market, FIXED);
  const answers = await Promise.all(Array.from({ length: 8 }, () => tell(market, job.job_id)));
  assert.equal(answers.filter(({ status }) => status === 201).length, 1);
  assert.equal(answers.filter(({ json }) => json.reason === "already_reported").length, 7);
});

test("the operator says once what came of a report, and the receipt names why", async (t) => {
  const market = await startMarket(t);
  const { job } = await workAndVerify(market, FIXED);
  const { incident_id: id } = (await tell(market, job.job_id)).json.incident;
  const answers = await Promise.all(Array.from({ length: 4 }, () => resolve(market, id)));
  const made = answers.filter(({ status }) => status === 200);
  assert.equal(made.length, 1);
  assert.ok(answers.every(({ status, json }) => status === 200 || json.reason === "incident_decided"));
  assert.equal(made[0]?.json.incident.outcome, "allegation_upheld");
  const receipt = await market.runtime.get(`/internal/v1/receipts/${made[0]?.json.receipt_id}`);
  assert.equal(receipt.json.receipt.because, "seen in the log");
  assert.equal((await resolve(market, `inc_${"0".repeat(32)}`)).status, 404);
});

test("evidence is pointers of a known form, few of them", async (t) => {
  const market = await startMarket(t);
  const { job } = await workAndVerify(market, FIXED);
  for (const evidence of [["https://example.org"], Array.from({ length: 17 }, () => `run:${market.runId}`)])
    assert.equal((await tell(market, job.job_id, { evidence })).status, 400);
});

function tell(market: Market, jobId: string, more: object = {}, token?: string) {
  const body = { job_id: jobId, claim: CLAIM, ...more };
  return market.runtime.post(INCIDENTS, body, token === undefined ? {} : { token });
}

function resolve(market: Market, incidentId: string) {
  return market.runtime.post(`${INCIDENTS}/${incidentId}/resolve`, { upheld: true, note: "seen in the log" });
}
