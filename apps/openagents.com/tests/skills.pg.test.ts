// Skills and tools: versions that never change once others rest on them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "@openagents/postgres";
import { canonicalize, sha256Hex } from "@openagents/receipts";
import { startHarness, type Harness } from "./harness.ts";

const TOOL = {
  tool_id: "fetch",
  version: 1,
  tool_pack: "lightning.v1",
  description: "d",
  input_schema: { type: "object", properties: { url: { type: "string" } } },
};
const SKILL = {
  skill_id: "buy-data",
  version: 1,
  description: "d",
  instructions: "# Do",
  tools: [{ tool_id: "fetch", version: 1 }],
};
const BASE = "/api/runtime/skills";

test("a tool's version is its first content for ever, also when eight come at once", async (t) => {
  const control = await startHarness(t);
  const first = await tool(control);
  assert.equal(first.status, 201);
  assert.equal(first.json.tool_spec.content_sha256, sha256Hex(canonicalize(TOOL)));
  assert.deepEqual((await tool(control)).json, first.json);
  assert.equal((await tool(control, { description: "other" })).json.reason, "version_taken");
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, index) => tool(control, { version: 2, description: `${index}` })),
  );
  assert.equal(answers.filter(({ status }) => status === 201).length, 1);
  assert.equal(answers.filter(({ json }) => json.reason === "version_taken").length, 7);
});

test("a skill is written until it is published, and its release says what its hash says", async (t) => {
  const control = await startHarness(t);
  await tool(control);
  await skill(control, { instructions: "draft" });
  const written = await skill(control);
  assert.deepEqual([written.json.skill_spec.state, written.json.skill_spec.instructions], ["draft", "# Do"]);
  assert.equal((await release(control)).status, 404);
  const published = await publish(control, "p");
  assert.equal(published.status, 201);
  assert.match(published.json.skill_spec.receipt_id, /^sklp_/);
  assert.equal(published.json.skill_spec.content_sha256, sha256Hex(canonicalize(SKILL)));
  assert.equal((await publish(control, "p")).text, published.text);
  assert.equal((await publish(control)).json.reason, "skill_published");
  assert.equal((await skill(control, { instructions: "changed" })).json.reason, "skill_published");
  const released = await release(control);
  assert.deepEqual(released.json.skill_spec, published.json.skill_spec);
  assert.equal(released.json.tool_specs[0].tool_id, "fetch");
});

test("a skill is not published with a tool that is not there", async (t) => {
  const control = await startHarness(t);
  await skill(control);
  const refused = await publish(control);
  assert.deepEqual([refused.status, refused.json.reason], [409, "tool_spec_unknown"]);
  assert.equal((await publish(control, undefined, "none")).status, 404);
  await tool(control);
  assert.equal((await publish(control)).status, 201);
});

test("of eight that publish at once one does, and no writer gets in behind it", async (t) => {
  const control = await startHarness(t);
  await tool(control);
  const before = (await skill(control)).json.skill_spec.content_sha256;
  const answers = await Promise.all(
    Array.from({ length: 16 }, (_, index) =>
      index % 2 === 0 ? publish(control) : skill(control, { instructions: `late ${index}` }),
    ),
  );
  const published = answers.filter(
    ({ status, json }) => status === 201 && json.skill_spec.state === "published",
  );
  assert.equal(published.length, 1);
  const released = (await release(control)).json.skill_spec;
  assert.deepEqual(released, published[0]?.json.skill_spec);
  const { skill_id, version, description, instructions, tools } = released;
  assert.equal(
    released.content_sha256,
    sha256Hex(canonicalize({ skill_id, version, description, instructions, tools })),
  );
  assert.ok(before);
});

test("names are an organisation's own: none is seen or shadowed by another's", async (t) => {
  const control = await startHarness(t);
  await tool(control);
  await skill(control);
  await publish(control);
  const token = await control.token({ sub: "usr_b", org: "org_b" });
  for (const path of ["tool-specs", "skill-specs"]) {
    const listed = await control.get(`${BASE}/${path}`, { token });
    assert.deepEqual(Object.values(listed.json)[0], []);
  }
  assert.equal((await control.get(`${BASE}/releases/buy-data/1`, { token })).status, 404);
  const theirs = await control.post(`${BASE}/tool-specs`, { ...TOOL, description: "theirs" }, { token });
  assert.equal(theirs.status, 201);
  assert.equal((await control.get(`${BASE}/tool-specs`)).json.tool_specs[0].description, "d");
});

test("versions are paged by name and number", async (t) => {
  const control = await startHarness(t);
  for (const version of [10, 2, 1]) await tool(control, { version });
  await tool(control, { tool_id: "a" });
  const first = (await control.get(`${BASE}/tool-specs?limit=3`)).json;
  const rest = (await control.get(`${BASE}/tool-specs?limit=3&cursor=${first.next_cursor}`)).json;
  assert.deepEqual(
    [...first.tool_specs, ...rest.tool_specs].map((each: typeof TOOL) => `${each.tool_id} ${each.version}`),
    ["a 1", "fetch 1", "fetch 2", "fetch 10"],
  );
});

test("the database itself keeps a published skill as it is", async (t) => {
  const control = await startHarness(t);
  await tool(control);
  await skill(control);
  await publish(control);
  const db = connect({ url: control.databaseUrl, applicationName: "test" });
  await assert.rejects(
    db.query({ name: "", text: "UPDATE control.skill_specs SET instructions = 'x'" }),
    /never changes/,
  );
  await assert.rejects(
    db.query({ name: "", text: "DELETE FROM control.skill_specs" }),
    /denied|never changes/,
  );
  await db.close();
});

function tool(control: Harness, changes: object = {}) {
  return control.post(`${BASE}/tool-specs`, { ...TOOL, ...changes });
}

function skill(control: Harness, changes: object = {}) {
  return control.post(`${BASE}/skill-specs`, { ...SKILL, ...changes });
}

function publish(control: Harness, key?: string, id = "buy-data") {
  return control.post(`${BASE}/skill-specs/${id}/1/publish`, {}, key === undefined ? {} : { key });
}

function release(control: Harness) {
  return control.get(`${BASE}/releases/buy-data/1`);
}
