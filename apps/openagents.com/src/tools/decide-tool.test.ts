import assert from "node:assert/strict";
import { test } from "node:test";
import { CAUTIOUS_POLICY } from "../autopilots/autopilot.ts";
import { decideTool, type ToolDecision } from "./decide-tool.ts";
import { toolNamed } from "./tool.ts";

const READ = toolNamed("coding.v1", "get_issue");
const WRITE = toolNamed("coding.v1", "add_issue_comment");
const HOST = "github.com";

const decide = (
  policy: object,
  tool = READ,
  host: string | undefined = HOST,
  status: "active" | "disabled" = "active",
) => decideTool({ status, policy: { ...CAUTIOUS_POLICY, ...policy } }, tool, host);
const reasonOf = (decision: ToolDecision) => (decision.kind === "refused" ? decision.reason : decision.kind);

test("refusals come in their order, each only when those before it do not apply", () => {
  const all = { toolsDenied: ["coding.v1"], toolsAllowed: ["sandbox.v1"], hostsAllowed: [] };
  assert.equal(reasonOf(decide(all, READ, HOST, "disabled")), "autopilot_disabled");
  assert.equal(reasonOf(decide(all)), "tool_denied");
  assert.equal(reasonOf(decide({ ...all, toolsDenied: [] })), "tool_not_allowed");
  assert.equal(reasonOf(decide({ toolsAllowed: ["coding.v1/get_issue"] })), "host_not_allowed");
  assert.equal(reasonOf(decide({ hostsAllowed: [HOST] })), "allowed");
});

test("a tool that is denied by name stays so when its pack is allowed", () => {
  const policy = { toolsAllowed: ["coding.v1"], toolsDenied: ["coding.v1/get_issue"], hostsAllowed: [HOST] };
  assert.equal(reasonOf(decide(policy)), "tool_denied");
  assert.equal(reasonOf(decide(policy, WRITE)), "allowed");
});

test("what writes waits for a person, unless the policy lets it go on", () => {
  const needs = (policy: object, tool = WRITE) => {
    const decision = decide({ hostsAllowed: [HOST], ...policy }, tool);
    return decision.kind === "allowed" && decision.needsApproval;
  };
  assert.equal(needs({}), true);
  assert.equal(needs({ writesWithoutApproval: true }), false);
  assert.equal(needs({}, READ), false);
});
