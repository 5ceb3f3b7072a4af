import assert from "node:assert/strict";
import { test } from "node:test";
import { isConfined, parseNews } from "./protocol.ts";

const item = (members: object) => ({ threadId: "t", turnId: "u", item: { id: "i", ...members } });

test("a known message of another shape is an error, and an unknown one is ignored", () => {
  const malformed: [string, unknown][] = [
    ["item/completed", undefined],
    ["item/completed", { turnId: "u" }],
    ["item/completed", item({ type: "agentMessage" })],
    ["item/completed", item({ type: "commandExecution", command: "c", exitCode: "0" })],
    ["item/completed", item({ type: "fileChange", status: "completed", changes: [{ path: "p" }] })],
    ["thread/tokenUsage/updated", { threadId: "t", tokenUsage: { total: { inputTokens: 1 } } }],
    ["turn/completed", { threadId: "t", turn: { status: "paused" } }],
  ];
  for (const [method, params] of malformed)
    assert.throws(() => parseNews(method, params, "t"), { code: "codex_protocol" }, JSON.stringify(params));
  assert.equal(parseNews("item/completed", item({ type: "somethingNew" }), "t"), undefined);
  assert.equal(parseNews("item/completed", item({ type: "agentMessage", text: "x" }), "another"), undefined);
});

test("the raw output of a command is told without what codex writes about the process", () => {
  const raw = (output: string) =>
    parseNews(
      "rawResponseItem/completed",
      { threadId: "t", item: { type: "function_call_output", call_id: "c", output } },
      "t",
    );
  assert.deepEqual(
    raw("Wall time: 0.1 seconds\nProcess exited with code 3\nOutput:\nfirst\nOutput:\nlast\n"),
    {
      type: "raw_output",
      id: "c",
      output: "first\nOutput:\nlast\n",
      exitCode: 3,
    },
  );
  assert.deepEqual(raw("exec_command failed"), {
    type: "raw_output",
    id: "c",
    output: "exec_command failed",
    exitCode: undefined,
  });
});

test("a thread counts as confined only with our profile, a sandbox, and no network", () => {
  const good = {
    sandbox: { type: "workspaceWrite", networkAccess: false },
    activePermissionProfile: { id: "openagents" },
  };
  assert.equal(isConfined(good), true);
  for (const bad of [
    { ...good, sandbox: { type: "dangerFullAccess" } },
    { ...good, sandbox: { type: "workspaceWrite", networkAccess: true } },
    { ...good, activePermissionProfile: { id: ":workspace" } },
  ])
    assert.equal(isConfined(bad), false);
  assert.throws(() => isConfined({ ...good, activePermissionProfile: null }), { code: "codex_protocol" });
});
