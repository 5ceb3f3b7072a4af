// An index of a tree, bought over HTTP like a sandboxed run: held against its tree
// by rule, and against a second provider's bytes before anybody is paid.

import assert from "node:assert/strict";
import { test } from "node:test";
import { sha256Hex } from "@openagents/receipts";
import {
  ENTRIES,
  HONEST,
  MISCOUNTED,
  TREE,
  askQuote,
  file,
  indexOf,
  joinIndexReserve,
  makeIndex,
  startIndexMarket,
  submit,
  type IndexMarket,
  type Made,
} from "./index-market.ts";
import { startHarness } from "./harness.ts";
import { assertSound } from "./ledger-checks.ts";
import {
  FEE,
  PRICE,
  SECOND_FEE,
  SECOND_PRICE,
  TOTAL,
  assertBuyerHas,
  claim,
  claimAnswer,
  earnedBy,
  joinMarket,
  order,
  settle,
  upload,
  verify,
  type Party,
} from "./market.ts";

test("two equal indexes are proven by their bytes, and both who made them are paid", async (t) => {
  const market = await startIndexMarket(t);
  const { runtime, first, second } = market;
  const job = await makeIndex(market, first, HONEST);
  const asked = await verify(market, job);
  assert.equal(asked.json.verification.status, "awaiting_second_opinion", asked.text);
  assert.equal(asked.json.verification.assurance, "provider");
  assert.deepEqual(asked.json.second_job.repo_index, market.spec);
  assert.equal((await settle(market, job)).json.reason, "job_not_verified");
  await makeIndex(market, second, HONEST);
  const { verification } = (await verify(market, job)).json;
  assert.deepEqual(
    [verification.status, verification.verdict, verification.assurance, verification.proof],
    ["final", "proven", "self", "by_equal_bytes"],
  );
  assert.match(verification.because, /index of 2 files and 2 lines is the one of tree/);
  const { settlement } = (await settle(market, job)).json;
  assert.equal(settlement.status, "released");
  assert.equal(await earnedBy(market, first), PRICE);
  await assertBuyerHas(market, 0);
  assert.equal(FEE + SECOND_FEE, settlement.operator_fee_msats);
  assert.equal(settlement.second_opinion_msats, SECOND_PRICE);
  await assertSound(runtime);
  const shown = (await runtime.get(`/internal/v1/jobs/${job.job_id}`)).json.job;
  assert.equal(shown.repo_index_result.index_sha256, HONEST.result.index_sha256);
  assert.deepEqual([shown.spec, shown.result], [undefined, undefined]);
  const counted = await runtime.get("/internal/v1/marketplace/telemetry/compute?capability=oa.repo_index.v1");
  assert.deepEqual([counted.json.quoted, counted.json.released], [1, 1]);
});

test("a service that is killed around each command of an index makes, pays and tells everything once", async (t) => {
  const market = await startIndexMarket(t, { ownProcess: true });
  const { first, second } = market;
  const { databaseUrl, artifactsDir } = market.runtime;
  let { runtime } = market;
  let kills = 0;
  const restart = async () => {
    await runtime.stop();
    kills += 1;
    runtime = await startHarness(t, { ownProcess: true, databaseUrl, artifactsDir });
  };
  /** Killed right after the command was sent, or answered, in turn; the same key then has one answer. */
  const send = async (path: string, body: object, party?: Party) => {
    const request = { key: crypto.randomUUID(), ...(party === undefined ? {} : { token: party.token }) };
    const inTheMiddle = kills % 2 === 0;
    const sent = runtime.post(path, body, request).catch(() => undefined);
    const known = inTheMiddle ? undefined : await sent;
    await restart();
    const answer = await runtime.post(path, body, request);
    assert.equal(answer.status, 200, answer.text);
    if (known !== undefined) assert.equal(answer.text, known.text);
    return answer.json;
  };
  const make = async (party: Party) => {
    const { job, lease } = await send(
      "/internal/v1/jobs/claim",
      { worker_id: party.workerId, wait_ms: 0 },
      party,
    );
    await upload(runtime, HONEST.bytes, party.token, lease.lease_id);
    const result = { lease_id: lease.lease_id, repo_index_result: HONEST.result };
    await send(`/internal/v1/jobs/${job.job_id}/result`, result, party);
    return { job_id: String(job.job_id) };
  };
  const job = await make(first);
  const asked = await send("/internal/v1/verifications/sandbox-run", job);
  assert.equal(asked.verification.status, "awaiting_second_opinion");
  await make(second);
  const { verification } = await send("/internal/v1/verifications/sandbox-run", job);
  assert.equal(verification.verdict, "proven");
  const { settlement } = await send("/internal/v1/treasury/compute/settle/sandbox-run", job);
  assert.equal(settlement.status, "released");
  assert.equal(await earnedBy({ runtime }, first), PRICE);
  await assertBuyerHas({ runtime }, 0);
  await assertSound(runtime);
  const { events } = (await runtime.get(`/internal/v1/runs/${market.runId}/events`)).json;
  const types: string[] = events.map((event: { event_type: string }) => event.event_type);
  for (const once of ["verification.second_opinion_requested", "verification.recorded", "payment.released"])
    assert.equal(types.filter((type) => type === once).length, 1, once);
});

const CHEATS: readonly (readonly [string, Made])[] = [
  ["index_tree_differs", indexOf([...ENTRIES, file("extra.js", "")])],
  ["index_tree_differs", indexOf(ENTRIES.slice(1))],
  ["index_not_canonical", indexOf(ENTRIES, TREE, { note: "more" })],
  ["index_not_canonical", indexOf(ENTRIES, "0".repeat(40))],
  ["index_over_limits", indexOf([file("large", "x".repeat(10_001))])],
  ["index_malformed", { ...HONEST, ...madeOf("no JSON at all") }],
  ["index_figures_differ", { ...HONEST, result: { ...HONEST.result, lines: 3 } }],
  ["index_figures_differ", { ...HONEST, result: { ...HONEST.result, tree: "0".repeat(40) } }],
];

for (const [index, [violation, made]] of CHEATS.entries()) {
  test(`a false index breaks its rule, pays nobody and opens an incident: ${violation} (${index})`, async (t) => {
    const market = await startIndexMarket(t);
    const job = await makeIndex(market, market.first, made);
    const { verification } = (await verify(market, job)).json;
    assert.deepEqual(verification.violations, [violation]);
    assert.equal(verification.verdict, "inconclusive");
    assert.ok(verification.incident_id);
    assert.equal((await settle(market, job)).json.settlement.withheld_reason, "violations");
    await assertBuyerHas(market, TOTAL);
  });
}

test("an index that was never stored, or is somebody else's, is a violation", async (t) => {
  const market = await startIndexMarket(t);
  const claimed = await claim(market, market.first);
  await upload(market.runtime, HONEST.bytes);
  const answer = await submit(market, market.first, claimed, { repo_index_result: HONEST.result });
  assert.equal(answer.status, 200, answer.text);
  const { verification } = (await verify(market, claimed.job)).json;
  assert.deepEqual(verification.violations, [`output_of_another_job:${HONEST.result.index_sha256}`]);
});

test("two indexes that differ pay nobody; the operator's own decides who is struck", async (t) => {
  const market = await startIndexMarket(t);
  const { first, second } = market;
  const job = await makeIndex(market, first, MISCOUNTED);
  await verify(market, job);
  await makeIndex(market, second, HONEST);
  const { verification } = (await verify(market, job)).json;
  assert.deepEqual([verification.verdict, verification.disagreement], ["inconclusive", true]);
  assert.match(verification.because, /the first answer is [0-9a-f]{64}, the second [0-9a-f]{64}/);
  const third = await makeIndex(market, await joinIndexReserve(market), HONEST, 20_000);
  assert.equal(third.repeats, 1, "an index is not made again to see whether it is the same");
  assert.equal(await outcomeOf(market, verification.incident_id), "first_struck");
  assert.equal(await strikesOf(market, first), 1);
  assert.equal(await strikesOf(market, second), 0);
  const { settlement } = (await settle(market, job)).json;
  assert.deepEqual([settlement.provider_msats, settlement.second_opinion_msats], [0, SECOND_PRICE]);
  await assertSound(market.runtime);
});

test("a provider that cannot index the tree says so, is not paid and not struck", async (t) => {
  const market = await startIndexMarket(t);
  const claimed = await claim(market, market.first);
  const failure = { code: "tree_unsupported", detail: "A path of the tree is not UTF-8." };
  assert.equal((await submit(market, market.first, claimed, { failure })).status, 200);
  const { verification } = (await verify(market, claimed.job)).json;
  assert.deepEqual(
    [verification.status, verification.verdict, verification.violations],
    ["final", "inconclusive", []],
  );
  assert.equal((await settle(market, claimed.job)).json.settlement.withheld_reason, "verdict_inconclusive");
  assert.equal(await strikesOf(market, market.first), 0);
});

test("a result of another type of work than the job's is refused, and the lease still takes the right one", async (t) => {
  const market = await startIndexMarket(t);
  const claimed = await claim(market, market.first);
  const output = await upload(market.runtime, HONEST.bytes, market.first.token, claimed.lease.lease_id);
  const command = {
    command: "x",
    exit_code: 0,
    duration_ms: 1,
    stdout_sha256: output,
    stderr_sha256: output,
  };
  const environment = { os: "", arch: "", kernel: "", sandbox: "", limits_by: "rlimits", toolchains: [] };
  const result = { legs: [{ leg: "base", tree: TREE, commands: [command] }], environment };
  const refused = await submit(market, market.first, claimed, { result });
  assert.deepEqual([refused.status, refused.json.reason], [409, "result_of_other_work"], refused.text);
  const taken = await submit(market, market.first, claimed, { repo_index_result: HONEST.result });
  assert.equal(taken.status, 200, taken.text);
});

test("an index handed in for a sandboxed run is refused", async (t) => {
  const market = await startIndexMarket(t);
  await market.runtime.post(`/internal/v1/treasury/compute/reservations/${market.reservationId}/void`, {});
  await order(market.runtime);
  const claimed = await claim(market, market.first);
  const refused = await submit(market, market.first, claimed, { repo_index_result: HONEST.result });
  assert.equal(refused.json.reason, "result_of_other_work", refused.text);
});

test("who does not sell indexes, or has too little room or time for one, is not asked", async (t) => {
  const { runtime, first, second } = await startIndexMarket(t);
  const other = await joinMarket(runtime, { sub: "dev_cheap", org: "org_cheap" }, 1);
  const becauseOf = async (change: object) => {
    const { answer } = await askQuote(runtime, change);
    if (answer.status !== 200) return answer.text;
    return answer.json.losers.find(
      (loser: { provider_worker_id: string }) => loser.provider_worker_id === other.workerId,
    ).because;
  };
  assert.equal(await becauseOf({}), "capability_missing");
  assert.match(
    await becauseOf({ bytes_max: 1_073_741_824 }),
    /capability_missing/,
    "1 GiB is what their disks hold",
  );
  const slow = await becauseOf({ wall_ms: 121_000 });
  assert.match(slow, /no_eligible_provider/);
  for (const { workerId } of [first, second]) assert.ok(slow.includes(`${workerId}: caps_too_small`), slow);
});

test("a quote needs its bundle stored, and for the market one commit of the tree", async (t) => {
  const { runtime } = await startIndexMarket(t);
  const missing = await askQuote(runtime, { base_bundle_sha256: "0".repeat(64) });
  assert.equal(missing.answer.status, 400);
  assert.match(missing.answer.text, /artifact_missing/);
  const history = await askQuote(runtime, {}, { market: true });
  assert.match(history.answer.text, /base_not_single_commit/);
  const tooMany = await askQuote(runtime, { files_max: 20_001 });
  assert.equal(tooMany.answer.status, 400);
});

test("equal work has one hash, and a quote is repeated as the same bytes", async (t) => {
  const { runtime, spec } = await startIndexMarket(t);
  const run = await runtime.post("/internal/v1/runs", {});
  const body = { run_id: run.json.run.run_id, spec };
  const path = "/internal/v1/marketplace/compute/quote/repo-index";
  const [one, again] = [
    await runtime.post(path, body, { key: "k" }),
    await runtime.post(path, body, { key: "k" }),
  ];
  assert.equal(one.text, again.text);
  const other = await runtime.post(path, body);
  assert.equal(other.json.quote.job_hash, one.json.quote.job_hash);
  assert.equal(other.json.quote.capability, "oa.repo_index.v1");
});

test("a job of either type is claimed by a worker that sells both, in the order in which it was offered", async (t) => {
  const market = await startIndexMarket(t);
  const { job } = (await claimAnswer(market, market.first)).json;
  assert.deepEqual([job.purpose, job.repo_index, job.spec], ["work", market.spec, undefined]);
});

test("the catalog names what can be bought", async (t) => {
  const { runtime } = await startIndexMarket(t);
  const { job_types: types } = (await runtime.get("/internal/v1/marketplace/catalog/job-types")).json;
  assert.deepEqual(
    types.map((each: { job_type: string; verification: string }) => [each.job_type, each.verification]),
    [
      ["oa.code_chunk_analysis.v1", "subjective"],
      ["oa.retrieval_rerank.v1", "subjective"],
      ["oa.sandbox_run.v1", "objective"],
      ["oa.repo_index.v1", "objective"],
    ],
  );
});

function madeOf(bytes: string): Made {
  const made = indexOf([]);
  const named = { index_sha256: sha256Hex(bytes), index_bytes: Buffer.byteLength(bytes) };
  return { bytes, result: { ...made.result, ...named } };
}

async function strikesOf({ runtime }: IndexMarket, { workerId, token }: Party): Promise<number> {
  return (await runtime.get(`/internal/v1/workers/${workerId}`, { token })).json.worker.strikes;
}

/** Wait for the runtime's own adjudicator. */
async function outcomeOf({ runtime }: IndexMarket, incidentId: string): Promise<string> {
  for (;;) {
    const { incident } = (await runtime.get(`/internal/v1/fraud/incidents/${incidentId}`)).json;
    if (incident.status === "decided") return incident.outcome;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
