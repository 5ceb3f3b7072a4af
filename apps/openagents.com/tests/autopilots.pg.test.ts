// Autopilots over HTTP: whose they are, and that only a person says what one may do.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startHarness } from "./harness.ts";

const POLICY = {
  tools_allowed: ["coding.v1"],
  tools_denied: ["coding.v1/create_pull_request"],
  spend_per_call_msats_max: 1_000,
  hosts_allowed: ["github.com"],
};

test("an autopilot is made with a handle of its name and a policy that spends nothing, and a replay says the same", async (t) => {
  const control = await startHarness(t);
  const made = await control.post("/api/autopilots", { display_name: "Añna's Helper" }, { key: "one" });
  assert.equal(made.status, 201);
  const { autopilot } = made.json;
  assert.deepEqual(
    [autopilot.handle, autopilot.config_version, autopilot.owner, autopilot.status],
    ["an-na-s-helper", 1, "usr_owner", "active"],
  );
  assert.equal(autopilot.policy.spend_per_day_msats_max, undefined);
  assert.equal(autopilot.policy.writes_without_approval, false);
  const again = await control.post("/api/autopilots", { display_name: "Añna's Helper" }, { key: "one" });
  assert.equal(again.text, made.text);
  const second = await control.post("/api/autopilots", { display_name: "Añna's Helper" });
  assert.match(second.json.autopilot.handle, /^an-na-s-helper-[0-9a-f]{12}$/);
  assert.equal((await control.get(`/api/autopilots/${autopilot.handle}`)).text, made.text);
});

test("of eight that want one handle one has it, and the rest are told", async (t) => {
  const control = await startHarness(t);
  const body = { display_name: "A", handle: "mine" };
  const answers = await Promise.all(Array.from({ length: 8 }, () => control.post("/api/autopilots", body)));
  assert.equal(answers.filter(({ status }) => status === 201).length, 1);
  const refused = answers.filter(({ status }) => status === 409);
  assert.ok(refused.length === 7 && refused.every(({ json }) => json.reason === "handle_taken"));
});

test("another person and another organisation are told that there is none", async (t) => {
  const control = await startHarness(t);
  const { autopilot_id: id } = (await control.post("/api/autopilots", { display_name: "A" })).json.autopilot;
  for (const other of [{ sub: "usr_other" }, { org: "org_b" }]) {
    const token = await control.token(other);
    assert.equal((await control.get(`/api/autopilots/${id}`, { token })).status, 404);
    const changed = await control.send("PATCH", `/api/autopilots/${id}`, { tagline: "x" }, { token });
    assert.equal(changed.status, 404);
    assert.deepEqual((await control.get("/api/autopilots", { token })).json.autopilots, []);
  }
});

test("a change from another configuration is refused, and of eight from one configuration one is made", async (t) => {
  const control = await startHarness(t);
  const { autopilot_id: id } = (await control.post("/api/autopilots", { display_name: "A" })).json.autopilot;
  const change = { policy: POLICY, expected_config_version: 1 };
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => control.send("PATCH", `/api/autopilots/${id}`, change)),
  );
  assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  assert.equal(answers.filter(({ json }) => json.reason === "config_changed").length, 7);
  const { autopilot } = (await control.get(`/api/autopilots/${id}`)).json;
  assert.equal(autopilot.config_version, 2);
  assert.deepEqual(autopilot.policy.tools_denied, POLICY.tools_denied);
  const named = await control.send("PATCH", `/api/autopilots/${id}`, { display_name: "B" });
  assert.equal(named.json.autopilot.config_version, 2, "a name is no configuration");
  assert.deepEqual(named.json.autopilot.policy, autopilot.policy, "what is absent stays");
});

test("no key and no device widens what an autopilot may do", async (t) => {
  const control = await startHarness(t, { findDeviceOwner: async () => "usr_owner" });
  const { autopilot_id: id } = (await control.post("/api/autopilots", { display_name: "A" })).json.autopilot;
  const device = await control.token({ sub: "dev_1" });
  for (const body of [{ policy: POLICY }, { status: "active" }]) {
    const answer = await control.send("PATCH", `/api/autopilots/${id}`, body, { token: device });
    assert.deepEqual([answer.status, answer.json.reason], [403, "person_required"]);
  }
  const key = await control.token({ sub: "sa_1" });
  const made = await control.post("/api/autopilots", { display_name: "K", policy: POLICY }, { token: key });
  assert.equal(made.json.reason, "person_required");
  assert.equal((await control.get(`/api/autopilots/${id}`, { token: device })).status, 200);
});

test("a device that nobody enrolled sees nothing", async (t) => {
  const control = await startHarness(t);
  const answer = await control.get("/api/autopilots", { token: await control.token({ sub: "dev_1" }) });
  assert.deepEqual([answer.status, answer.json.code], [403, "device_unknown"]);
});

test("pages walk all of them, newest first", async (t) => {
  const control = await startHarness(t);
  for (const name of ["a", "b", "c"]) await control.post("/api/autopilots", { display_name: name });
  const first = (await control.get("/api/autopilots?limit=2")).json;
  const rest = (await control.get(`/api/autopilots?limit=2&cursor=${first.next_cursor}`)).json;
  const names = [...first.autopilots, ...rest.autopilots].map((each) => each.display_name);
  assert.deepEqual(names, ["c", "b", "a"]);
  assert.equal(rest.next_cursor, undefined);
});
