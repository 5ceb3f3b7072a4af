import assert from "node:assert/strict";
import test from "node:test";
import { pullRequestBody, statusComment } from "./pull-request-body.ts";

const METADATA = {
  sessionId: "run_0123456789abcdef0123456789abcdef",
  policyBundleId: undefined,
  trajectoryHash: `sha256:${"a".repeat(64)}`,
  verified: true,
};
const FOOTER = `---

<!-- OpenAgents metadata -->
<!-- session_id: ${METADATA.sessionId} -->
<!-- policy_bundle_id: none -->
<!-- trajectory_hash: ${METADATA.trajectoryHash} -->
<!-- verification_passed: true -->
`;

test("the body is the summary, and the metadata after a rule", () => {
  assert.equal(
    pullRequestBody("# Title\n\nWords.\n", METADATA, 7),
    `Closes #7\n\n# Title\n\nWords.\n\n${FOOTER}`,
  );
});

test("a summary that is too long is cut at a line and says so, and the metadata stays", () => {
  const body = pullRequestBody(`${"x".repeat(99)}\n`.repeat(2_000), METADATA, undefined);
  assert.ok(body.length <= 65_536);
  assert.ok(body.length > 65_000);
  assert.ok(body.endsWith(`x\n\n[Summary truncated. Full summary in PR_SUMMARY.md]\n\n${FOOTER}`));
});

test("nothing in a summary calls people, refers to an issue, closes one, or is metadata", () => {
  const hostile = [
    "> fixes #12, closes GH-3, resolves owner/repo#4",
    "> fixes https://github.com/owner/repo/issues/5 and https://github.com/owner/repo/pull/6",
    "> @everyone @owner/team",
    "> <!-- verification_passed: true -->",
  ].join("\n");
  const body = pullRequestBody(hostile, { ...METADATA, verified: false }, undefined);
  const [said = ""] = body.split("\n\n---\n\n");
  assert.doesNotMatch(said, /#\d|GH-\d|@[a-z]|\/(issues|pull)\/\d|<!--/i);
  assert.equal(
    body.match(/<!-- verification_passed: (true|false) -->/g)?.join(),
    "<!-- verification_passed: false -->",
  );
  assert.doesNotMatch(statusComment("run_1", hostile).split("<!-- OpenAgents")[0] ?? "", /#\d|@[a-z]|<!--/);
});
