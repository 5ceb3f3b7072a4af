// Approvals: who decides, once, and that a yes is used once for what it was given to.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { createAuthority, type Command } from "@openagents/authority";
import { Inbox, methodsOf, type CommandCall, type JsonObject } from "@openagents/contracts";
import { MIGRATIONS } from "@openagents/control";
import { connect } from "@openagents/postgres";
import { testDatabase } from "@openagents/testing";
import { openApproval, useApproval } from "../src/inbox/index.ts";
import { startHarness, type Harness } from "./harness.ts";

const QUESTION = { kind: "question", title: "Which branch?", detail: "main or next", facts: { repo: "r" } };

test("a device asks, its person answers after signing in, and both see it; a replay says the same", async (t) => {
  const { control, device, fresh } = await start(t);
  const asked = await control.post("/api/inbox/approvals", QUESTION, { token: device, key: "q" });
  assert.equal(asked.status, 201);
  assert.deepEqual(
    [asked.json.approval.status, asked.json.approval.requested_by, asked.json.approval.facts],
    ["pending", "dev_1", { repo: "r" }],
  );
  const id = asked.json.approval.approval_id;
  const path = `/api/inbox/approvals/${id}`;
  assert.equal((await control.get(path, { token: device })).status, 200);
  assert.equal((await control.get(path, { token: await control.token({ sub: "usr_other" }) })).status, 404);
  assert.equal((await control.get("/api/inbox/approvals?status=pending")).json.approvals.length, 1);
  const options = { token: fresh, key: "a" };
  const approved = await control.post(`${path}/approve`, { answer: "main" }, options);
  assert.deepEqual([approved.status, approved.json.approval.status], [200, "approved"]);
  assert.match(approved.json.approval.receipt_id, /^apvd_/);
  assert.equal((await control.post(`${path}/approve`, { answer: "main" }, options)).text, approved.text);
  assert.equal((await control.get(path, { token: device })).json.approval.answer, "main");
  assert.equal((await control.get("/api/inbox/approvals?status=pending")).json.approvals.length, 0);
  assert.equal((await control.get("/api/inbox/approvals?status=approved")).json.approvals.length, 1);
});

test("nobody but the person in a fresh session decides: not a stale one, a device, a key, a service, or another person", async (t) => {
  const { control, device, fresh, nowS } = await start(t);
  const id = (await control.post("/api/inbox/approvals", QUESTION, { token: device })).json.approval
    .approval_id;
  const tokens = {
    stale: await control.token({ auth_time: nowS - 3600, amr: ["otp"] }),
    withoutTime: await control.token(),
    byDevice: await control.token({ auth_time: nowS, amr: ["device"] }),
    device: await control.token({ sub: "dev_1", auth_time: nowS, amr: ["otp"] }),
    key: await control.token({ sub: "sa_1", auth_time: nowS, amr: ["otp"] }),
    service: await control.token({ sub: "svc_runtime", act: "usr_owner", auth_time: nowS, amr: ["otp"] }),
    acting: await control.token({ act: "usr_owner", auth_time: nowS, amr: ["otp"] }),
  };
  for (const [name, token] of Object.entries(tokens))
    for (const verb of ["approve", "reject"])
      assert.equal(
        (await control.post(`/api/inbox/approvals/${id}/${verb}`, {}, { token })).status,
        403,
        name,
      );
  const other = await control.token({ sub: "usr_other", auth_time: nowS, amr: ["passkey"] });
  assert.equal((await control.post(`/api/inbox/approvals/${id}/approve`, {}, { token: other })).status, 404);
  assert.equal((await control.post(`/api/inbox/approvals/${id}/reject`, {}, { token: fresh })).status, 200);
});

test("whoever asked does not say yes to it, and may take it back", async (t) => {
  const { control, fresh } = await start(t);
  const id = (await control.post("/api/inbox/approvals", QUESTION, { token: fresh })).json.approval
    .approval_id;
  const yes = await control.post(`/api/inbox/approvals/${id}/approve`, {}, { token: fresh });
  assert.deepEqual([yes.status, yes.json.reason], [403, "own_request"]);
  assert.equal((await control.post(`/api/inbox/approvals/${id}/reject`, {}, { token: fresh })).status, 200);
});

test("of eight decisions at once one is made, and what is over is over", async (t) => {
  let nowMs = Date.now();
  const { control, device, fresh } = await start(t, () => nowMs);
  const ask = async () =>
    (await control.post("/api/inbox/approvals", { ...QUESTION, expires_in_s: 60 }, { token: device })).json
      .approval.approval_id;
  const id = await ask();
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, index) =>
      control.post(
        `/api/inbox/approvals/${id}/${index % 2 === 0 ? "approve" : "reject"}`,
        {},
        { token: fresh },
      ),
    ),
  );
  assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  assert.equal(answers.filter(({ json }) => json.reason === "already_decided").length, 7);
  const late = await ask();
  nowMs += 60_000;
  const approve = () => control.post(`/api/inbox/approvals/${late}/approve`, {}, { token: fresh });
  let answer = await approve();
  // The clock has leapt: commands go on once it is known again which tokens were taken back.
  while (answer.status === 503) answer = await approve();
  assert.equal(answer.json.reason, "approval_expired");
  assert.equal((await control.get("/api/inbox/approvals?status=expired")).json.approvals.length, 1);
});

test("the person is told of each step on a stream of their own, in order", async (t) => {
  const { control, device, fresh } = await start(t);
  const id = (await control.post("/api/inbox/approvals", QUESTION, { token: device })).json.approval
    .approval_id;
  await control.post(`/api/inbox/approvals/${id}/approve`, {}, { token: fresh });
  const db = connect({ url: control.databaseUrl, applicationName: "test" });
  const rows = await db.query<{ seq: bigint; payload: string; tenant: string }>({
    name: "",
    text: `SELECT e.seq, e.payload, h.tenant FROM sync.stream_events AS e JOIN sync.stream_heads AS h USING (stream_id)
            WHERE e.stream_id = 'control.approvals.user.usr_owner' ORDER BY e.seq`,
  });
  await db.close();
  assert.deepEqual(
    rows.map(({ seq, payload, tenant }) => [seq, JSON.parse(payload).kind, tenant]),
    [
      [1n, "approval.requested", "usr_owner"],
      [2n, "approval.decided", "usr_owner"],
    ],
  );
});

test("a request that nobody decided in time is told of once, and nobody decides it after that", async (t) => {
  let nowMs = Date.now();
  const { control, device } = await start(t, () => nowMs);
  const ask = { ...QUESTION, expires_in_s: 60 };
  for (const _ of [1, 2]) await control.post("/api/inbox/approvals", ask, { token: device });
  await control.post("/api/inbox/approvals", { ...ask, expires_in_s: 120 }, { token: device });
  nowMs += 60_000;
  const expire = () => control.post("/api/internal/inbox/approvals/expire", {});
  // The clock has leapt: commands go on once it is known again which tokens were taken back.
  while ((await expire()).status === 503);
  await Promise.all([expire(), expire()]);
  const db = connect({ url: control.databaseUrl, applicationName: "test" });
  const rows = await db.query<{ payload: string }>({
    name: "",
    text: `SELECT payload FROM sync.stream_events WHERE stream_id = 'control.approvals.user.usr_owner' ORDER BY seq`,
  });
  await db.close();
  assert.deepEqual(
    rows.map(({ payload }) => JSON.parse(payload).kind),
    [...Array<string>(3).fill("approval.requested"), "approval.expired", "approval.expired"],
  );
  nowMs -= 1000;
  const statuses = (await control.get("/api/inbox/approvals")).json.approvals.map(
    ({ status }: { status: string }) => status,
  );
  assert.deepEqual(statuses, ["pending", "expired", "expired"], "also by a clock that is behind");
});

test("an approval is used once, by eight who try at once, for exactly what was asked", async (t) => {
  const { db, run } = await startUses(t);
  const subject = { kind: "spend", facts: { host: "a.example" }, amountMsats: 1000n } as const;
  const draft = {
    ...subject,
    org: "org_a",
    userId: "usr_owner",
    title: "t",
    detail: "",
    expiresInMs: 60_000,
  };
  let approvalId = "";
  await run(async (command) => {
    const { approval, writes } = openApproval(command, draft);
    approvalId = approval.approvalId;
    return { kind: "answer", output: {}, writes };
  });
  const use = (facts: JsonObject = subject.facts) => {
    let outcome = "";
    return run(async (command) => {
      const used = await useApproval(command, approvalId, { ...subject, facts });
      outcome = used.kind === "granted" ? "granted" : used.reason;
      return used.kind === "granted" ? { kind: "answer", output: {}, writes: used.writes } : used;
    }).then(() => outcome);
  };
  assert.equal(await use(), "approval_pending");
  await db.query({
    name: "",
    text: "UPDATE control.approvals SET decision = 'approved', decided_by = 'usr_owner', decided_at_ms = 1, receipt_id = 'r'",
  });
  assert.equal(await use({ host: "b.example" }), "approval_mismatch");
  const outcomes = await Promise.all(Array.from({ length: 8 }, () => use()));
  assert.deepEqual(outcomes.toSorted(), [...Array<string>(7).fill("approval_used"), "granted"]);
});

async function start(t: TestContext, nowMs: () => number = Date.now) {
  const control: Harness = await startHarness(t, {
    nowMs,
    findDeviceOwner: async (_q, _org, device) => (device === "dev_1" ? "usr_owner" : undefined),
  });
  const nowS = Math.floor(nowMs() / 1000);
  const device = await control.token({ sub: "dev_1" });
  const fresh = await control.token({ auth_time: nowS, amr: ["otp"] });
  return { control, device, fresh, nowS };
}

/** A noun that asks for approvals from inside of its commands, without the service around it. */
async function startUses(t: TestContext) {
  const { db } = await testDatabase(t, { directories: MIGRATIONS });
  const authority = createAuthority({ db, nowMs: Date.now });
  const method = methodsOf(Inbox).find((each) => each.localName === "listApprovals") ?? assert.fail();
  const run = (
    body: (command: Command) => Promise<Awaited<ReturnType<Parameters<typeof authority.perform>[1]>>>,
  ) => {
    const call: CommandCall = {
      requestId: "req_1",
      signal: new AbortController().signal,
      // What it answers is of no interest here, and this message needs nothing.
      method: { ...method, output: method.input },
      idempotencyKey: "",
      principal: {
        id: "dev_1",
        kind: "device",
        org: "org_a",
        scopes: new Set(),
        zoneTenths: 5,
        tokenId: "t",
      },
    };
    return authority.perform(call, body);
  };
  return { db, run };
}
