import assert from "node:assert/strict";
import { test } from "node:test";
import { allowedTools, rulesFor } from "./tool-choice.ts";

const TOOLS = ["coding.v1/get_issue", "coding.v1/open_pull_request", "sandbox.v1/run", "sandbox.v1/read"];
const NONE = { toolsAllowed: [], toolsDenied: [] };

test("every choice of tools is read back as it was made", () => {
  for (let choice = 0; choice < 2 ** TOOLS.length; choice += 1) {
    const chosen = new Set(TOOLS.filter((_, place) => (choice & (1 << place)) !== 0));
    for (const before of [NONE, { toolsAllowed: ["coding.v1"], toolsDenied: ["sandbox.v1/run"] }])
      assert.deepEqual(allowedTools(rulesFor(chosen, TOOLS, before), TOOLS), chosen, String(choice));
  }
});

test("to choose none denies all, because an empty list allows all", () => {
  assert.deepEqual(allowedTools(NONE, TOOLS), new Set(TOOLS));
  assert.deepEqual(rulesFor(new Set(), TOOLS, NONE), {
    toolsAllowed: [],
    toolsDenied: ["coding.v1", "sandbox.v1"],
  });
});

test("a pack that is chosen whole is named once, and a tool added later is not in a part of one", () => {
  const whole = rulesFor(new Set(TOOLS.slice(0, 2)), TOOLS, NONE);
  assert.deepEqual(whole, { toolsAllowed: ["coding.v1"], toolsDenied: [] });
  const part = rulesFor(new Set(["sandbox.v1/run"]), TOOLS, NONE);
  assert.equal(allowedTools(part, [...TOOLS, "sandbox.v1/later"]).has("sandbox.v1/later"), false);
});

test("what is said of tools that are not offered here stays", () => {
  const before = { toolsAllowed: ["lightning.v1/fetch"], toolsDenied: ["mail.v1"] };
  const rules = rulesFor(new Set(["sandbox.v1/run"]), TOOLS, before);
  assert.deepEqual(rules, {
    toolsAllowed: ["sandbox.v1/run", "lightning.v1/fetch"],
    toolsDenied: ["mail.v1"],
  });
});
