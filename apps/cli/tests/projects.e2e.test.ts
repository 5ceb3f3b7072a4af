// Issues of repositories that look real, fixed by `openagents run`: with their
// dependencies, their own test commands, a recorded patch and a real codex whose
// model is a script. Afterwards nothing but the bundles is needed to see it again.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { sampleProject, startResponsesServer, type ProjectName } from "@openagents/testing";
import { AgentError, codexBinary } from "@openagents/agent";
import { freshHome } from "./openagents.ts";
import { assertBooksHold, rerunBundles, runProject, type RunResult } from "./projects.ts";

type Row = {
  readonly name: ProjectName;
  readonly proof: string;
  readonly fixed: number | null;
  readonly kept: number | null;
  /** What the project's own tests say last, in the agent's workspace. */
  readonly passing: RegExp;
};

const ROWS: readonly Row[] = [
  { name: "backoff-plan", proof: "by_tests", fixed: 3, kept: 11, passing: /fail 0/ },
  { name: "slot-book", proof: "by_tests", fixed: 4, kept: 12, passing: /\d+ passed/ },
  { name: "field-split", proof: "by_exit_code", fixed: null, kept: null, passing: /0 failed/ },
];

test("issues of real-looking projects become proven patches", async (t) => {
  // Not below the temporary folder, where codex refuses to keep its own.
  const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "openagents-tests");
  mkdirSync(cache, { recursive: true });
  const home = freshHome(t, cache);
  const up = await home.run(["up", "--detach", "--port-base", "0"]);
  assert.equal(up.code, 0, up.err);
  const runs: RunResult[] = [];

  for (const { name, proof, fixed, kept, passing } of ROWS) {
    await t.test(`${name}, by a recorded patch`, async (t2) => {
      const project = sampleProject(name);
      t2.after(() => project.remove());
      const fix = readFileSync(project.fixFile, "utf8");
      const agent = `script:${project.fixFile}`;
      const result = await runProject(t2, home, {
        repository: project,
        issue: project.issueFile,
        agent,
        fix,
      });
      if (result === undefined) return;
      assert.deepEqual([result.proof, result.tests_fixed, result.tests_kept], [proof, fixed, kept]);
      assert.equal(project.git("log", "-1", "--format=%s", result.branch).trim(), project.issueTitle);
      runs.push(result);
    });

    await t.test(`${name}, by codex`, async (t2) => {
      const program = await codexBinary({ folder: cache, env: process.env, signal: t2.signal }).catch(
        (cause: unknown) => {
          if (cause instanceof AgentError && cause.code === "codex_install_failed") return cause;
          throw cause;
        },
      );
      if (typeof program !== "string") return t2.skip(`codex is not installed: ${program.message}`);
      const project = sampleProject(name);
      t2.after(() => project.remove());
      await using server = await startResponsesServer(project.turns);
      const modelProvider = { baseUrl: server.baseUrl, envKey: "SCRIPTED_KEY", wireApi: "responses" };
      const env = {
        OPENAGENTS_CODEX: program,
        OPENAGENTS_CODEX_CONFIG: JSON.stringify({ model: server.model, modelProvider }),
        SCRIPTED_KEY: "sk-of-a-script-0001",
      };
      const fix = readFileSync(project.fixFile, "utf8");
      const run = { repository: project, issue: project.issueFile, agent: "codex", fix, options: { env } };
      const result = await runProject(t2, home, run);
      if (result === undefined) return;
      assert.deepEqual([result.proof, result.tests_fixed, result.tests_kept], [proof, fixed, kept]);
      assert.equal(server.outputs().length, project.turns.flat().filter((step) => !("say" in step)).length);
      assert.match(server.outputs().at(-1) ?? "", passing, "the agent ran the project's own tests");
      const replay = readFileSync(join(result.bundle_dir, "REPLAY.jsonl"), "utf8");
      assert.match(replay, /agent[.]command/);
      assert.ok(server.requests[0]?.body.includes(JSON.stringify(project.issueTitle).slice(1, -1)));
      runs.push(result);
    });
  }

  await t.test("the books hold, and with the stack down every bundle ends as before", async () => {
    await assertBooksHold(home);
    const down = await home.run(["down"]);
    assert.equal(down.code, 0, down.err);
    await rerunBundles(home, runs);
  });
});
