import assert from "node:assert/strict";
import { test } from "node:test";
import { runConfined } from "./run-confined.ts";

test("a gate that gets no word, because we are gone, never opens", async () => {
  const end = await runConfined({
    // As if we had died: what the gate reads ends at once. No sandbox is needed to show it.
    commandLine: (gated) => ["/bin/sh", "-c", 'exec "$@" </dev/null', "sh", ...gated],
    argv: ["/bin/true"],
    filter: Buffer.alloc(0),
    scope: {
      joinFiles: [],
      rlimits: [],
      startMeter: () => ({ read: () => undefined }),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    },
    kill() {},
    metered: false,
    wallMs: 10_000,
    outputBytes: 1_000,
    nowMs: () => 0,
  });
  assert.equal(end.exitCode, 125);
});
