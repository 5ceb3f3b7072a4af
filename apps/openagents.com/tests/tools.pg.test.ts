// Tools over HTTP: what the stored policy does not allow is not done, what is done
// is done once, and a replay does nothing.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { startForgeStandIn } from "@openagents/testing";
import { openDevice, ownerByName } from "./device.ts";
import { startHarness, type Answer } from "./harness.ts";

async function open(t: TestContext, policy: (host: string) => object, connect = true) {
  const folder = await mkdtemp(join(tmpdir(), "oa-tools-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const forge = await startForgeStandIn({ folder: join(folder, "forge"), kind: "gitea" });
  t.after(() => forge.close());
  const issue_number = forge.addIssue({ title: "It breaks", body: "at noon" });
  const control = await startHarness(t, { findDeviceOwner: ownerByName });
  if (connect) {
    const secret = { secret: forge.token, base_url: forge.url };
    const connected = await control.send("PUT", "/api/settings/integrations/forgejo", secret);
    assert.equal(connected.status, 200, connected.text);
  }
  const host = new URL(forge.url).host;
  const made = await control.post("/api/autopilots", { display_name: "A", policy: policy(host) });
  const { autopilot_id: id } = made.json.autopilot;
  const token = await control.token({ sub: "dev_owner_1" });
  const coding = { forge: "forgejo", repository: `${forge.owner}/${forge.name}` };
  const run = (
    tool: string,
    args: object,
    more: object = {},
    key: string = crypto.randomUUID(),
  ): Promise<Answer> => {
    const [tool_pack, operation] = tool.split("/");
    const body = { autopilot: id, tool_pack, operation, arguments: args, ...more };
    return control.post("/api/runtime/tools/execute", body, { token, key });
  };
  return {
    control,
    forge,
    id,
    run,
    issue: (more: object = {}, key?: string) =>
      run("coding.v1/get_issue", { ...coding, issue_number }, more, key),
    comment: (body: string, more: object = {}, key?: string) =>
      run("coding.v1/add_issue_comment", { ...coding, issue_number, body }, more, key),
    ended: async (executionId: string) => {
      for (let looks = 0; looks < 2_000; looks += 1) {
        const { execution } = (await control.get(`/api/runtime/tools/executions/${executionId}`)).json;
        if (execution.status !== "pending") return execution;
      }
      throw new Error("it did not end");
    },
  };
}

test("a tool that reads gives what the forge has, under a receipt; a replay gives it again and asks nobody", async (t) => {
  const { forge, issue } = await open(t, (host) => ({ hosts_allowed: [host] }));
  const missing = await issue({ mode: "replay" });
  assert.equal(missing.status, 404, "a replay never runs anything");
  assert.deepEqual(forge.requests, []);
  const read = await issue();
  assert.deepEqual([read.status, read.json.execution.status], [200, "succeeded"]);
  assert.equal(read.json.execution.result.title, "It breaks");
  assert.ok(read.json.execution.receipt_id.startsWith("txe"));
  const asked = forge.requests.length;
  const replay = await issue({ mode: "replay" });
  assert.deepEqual([replay.json.replayed, replay.json.execution], [true, read.json.execution]);
  assert.equal(forge.requests.length, asked);
});

test("the stored policy judges, in its order, with a receipt each time, and what is refused reaches nobody", async (t) => {
  const { control, forge, id, issue } = await open(t, () => ({
    tools_denied: ["coding.v1/get_issue"],
    tools_allowed: ["sandbox.v1"],
  }));
  const reasonNow = async () => {
    const answer = await issue();
    assert.ok(answer.json.receipt_id.startsWith("txrf_"));
    return answer.json.reason;
  };
  const change = (body: object) => control.send("PATCH", `/api/autopilots/${id}`, body);
  assert.equal(await reasonNow(), "tool_denied");
  await change({ policy: { tools_allowed: ["sandbox.v1"] } });
  assert.equal(await reasonNow(), "tool_not_allowed");
  await change({ policy: {} });
  assert.equal(await reasonNow(), "host_not_allowed");
  await change({ status: "disabled" });
  assert.equal(await reasonNow(), "autopilot_disabled");
  assert.deepEqual(forge.requests, []);
});

test("no policy comes with a request, and wrong arguments are named", async (t) => {
  const { run, issue } = await open(t, () => ({}));
  assert.equal((await issue({ policy: { hosts_allowed: ["*"] } })).status, 400);
  const wrong = await run("coding.v1/get_issue", { forge: "github", repository: "a/b", issue_number: 0 });
  assert.deepEqual([wrong.status, wrong.json.field_errors[0].field], [400, "arguments.issue_number"]);
  assert.equal((await run("coding.v1/format_disk", {})).json.field_errors[0].field, "operation");
  assert.equal((await run("desktop.v1/click", {})).json.field_errors[0].field, "tool_pack");
});

test("a comment waits for a person, and goes out once where the policy lets it", async (t) => {
  const { control, forge, id, comment, ended } = await open(t, (host) => ({ hosts_allowed: [host] }));
  const asked = await comment("Hello");
  assert.deepEqual([asked.status, asked.json.reason], [403, "approval_required"]);
  const [approval_id = ""] = /apv_[0-9a-f]{32}/.exec(asked.json.detail) ?? [];
  assert.equal((await comment("Hello", { approval_id })).json.reason, "approval_pending");
  assert.equal((await comment("Other", { approval_id })).json.reason, "approval_mismatch");
  assert.equal(forge.comments.length, 0);

  const policy = { hosts_allowed: [new URL(forge.url).host], writes_without_approval: true };
  await control.send("PATCH", `/api/autopilots/${id}`, { policy });
  const answers = await Promise.all(Array.from({ length: 8 }, () => comment("Hello", {}, "one")));
  assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
  const { execution } = answers[0]?.json ?? {};
  assert.equal(execution.status, "pending");
  assert.equal((await ended(execution.execution_id)).status, "succeeded");
  const made = forge.comments.map(({ body }) => body.split("\n", 1)[0]);
  assert.deepEqual(made, ["Hello"]);
});

test("a comment whose answer was lost is looked for, and not made again", async (t) => {
  const { forge, comment, ended } = await open(t, (host) => ({
    hosts_allowed: [host],
    writes_without_approval: true,
  }));
  forge.fault = (request) => (request.startsWith("POST") ? "lost" : undefined);
  const { execution } = (await comment("Hello")).json;
  assert.equal((await ended(execution.execution_id)).status, "succeeded");
  assert.equal(forge.comments.length, 1);
});

test("a forge that is not connected is said to be, and its token is never in an answer", async (t) => {
  const { forge, issue } = await open(t, () => ({ hosts_allowed: ["forgejo.com"] }), false);
  const answer = await issue();
  assert.deepEqual([answer.status, answer.json.reason], [409, "integration_missing"]);
  assert.ok(!answer.text.includes(forge.token));
});

test("a command of the sandbox runs on the autopilot's own device, whose answer is the result", async (t) => {
  const { control, id, run, ended } = await open(t, () => ({}));
  assert.equal((await run("sandbox.v1/run", { command: "true" })).json.reason, "no_worker");
  const device = await openDevice(control);
  await control.send("PATCH", `/api/autopilots/${id}`, { worker_id: device.workerId });
  const { execution } = (await run("sandbox.v1/run", { command: "true" })).json;
  const { call } = (await device.claim()).json;
  assert.deepEqual(
    [call.request_id, call.method, call.params.command],
    [execution.execution_id, "sandbox/run", "true"],
  );
  await device.answer(call.request_id, { response: { exit_code: 0 } });
  const done = await ended(execution.execution_id);
  assert.deepEqual([done.status, done.result], ["succeeded", { exit_code: 0 }]);
});

test("a paid fetch is judged, and then says that there is no Lightning; nothing is made up", async (t) => {
  const { run } = await open(t, () => ({ hosts_allowed: ["api.example"], writes_without_approval: true }));
  const fetchIt = (url: string) => run("lightning.v1/fetch", { url, max_spend_msats: 5 });
  assert.equal((await fetchIt("https://other.example/a")).json.reason, "host_not_allowed");
  const answer = await fetchIt("https://api.example/a");
  assert.deepEqual([answer.status, answer.json.code], [503, "lightning_not_configured"]);
});

test("another person sees no execution and runs no tool", async (t) => {
  const { control, id, issue } = await open(t, (host) => ({ hosts_allowed: [host] }));
  const { execution_id } = (await issue()).json.execution;
  for (const other of [{ sub: "usr_other" }, { org: "org_b" }, { sub: "dev_other_1" }]) {
    const token = await control.token(other);
    assert.equal((await control.get(`/api/runtime/tools/executions/${execution_id}`, { token })).status, 404);
    const body = { autopilot: id, tool_pack: "sandbox.v1", operation: "run", arguments: { command: "id" } };
    assert.equal((await control.post("/api/runtime/tools/execute", body, { token })).status, 404);
  }
});
