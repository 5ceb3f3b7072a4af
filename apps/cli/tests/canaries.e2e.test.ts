// Secrets of the environment in which `openagents run` is started, and an agent
// that wants them out: nowhere in the data directory is a byte of them left.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { AgentError, codexBinary } from "@openagents/agent";
import { startResponsesServer, type ScriptedStep } from "@openagents/testing";
import { freshHome, type Ended, type Home } from "./openagents.ts";
import { FIX, ISSUE, smallProject, type Project } from "./small-project.ts";

/** Not a byte in common with what else is there. */
const CANARIES = {
  CANARY_API_TOKEN: "tok-Zq7vXk2mWp9sLr4tYh8n",
  AWS_SECRET_ACCESS_KEY: "aws/Jd6bQw3cEu5xNf1gTy7k+Ma9",
  DATABASE_ADMIN_PASSWORD: "pw-Ho2iRv8jKz4uBs6eCl3d",
  SCRIPTED_KEY: "sk-Gx5aPn7oSt1wVm9yFj2q",
} as const;

/** How a canary can be spelled: as it is, in hex, and in base64 at each of the three alignments. */
function spellings(canary: string): readonly string[] {
  const aligned = [0, 1, 2].map((shift) => {
    const text = Buffer.from(`${"x".repeat(shift)}${canary}`).toString("base64");
    // The first and last characters also depend on what is around.
    return text.slice(shift === 0 ? 0 : 4, -4);
  });
  return [canary, Buffer.from(canary).toString("hex"), JSON.stringify(canary).slice(1, -1), ...aligned];
}

function assertNoCanary(bytes: Buffer, place: string): void {
  for (const [name, canary] of Object.entries(CANARIES)) {
    for (const spelling of spellings(canary)) {
      assert.equal(bytes.includes(spelling), false, `${name} is in ${place}, spelled ${spelling}`);
    }
  }
}

/** How many files were read. */
function assertNoCanaryBelow(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  for (const { parentPath, name } of files) {
    const path = join(parentPath, name);
    assertNoCanary(Buffer.from(path), "a name");
    assertNoCanary(readFileSync(path), path);
  }
  return files.length;
}

/** A stack of its own, so that everything of it starts in that environment. */
async function runWith(
  home: Home,
  project: Project,
  agent: string,
  env: Readonly<Record<string, string>> = {},
) {
  const args = ["run", "--repo", project.repo, "--issue", ISSUE, "--agent", agent];
  const started = home.start([...args, "--attempts", "1", "--json", "--port-base", "0"], {
    env: { ...CANARIES, ...env },
  });
  started.child.stdin?.end();
  const ended: Ended = await started.ended;
  assertNoCanary(Buffer.from(ended.out), "standard output");
  assertNoCanary(Buffer.from(ended.err), "standard error");
  return { ...ended, result: JSON.parse(ended.out) };
}

test("a canary would be found in each of its spellings", () => {
  for (const canary of Object.values(CANARIES)) {
    for (const shift of ["", "a", "ab"]) {
      const hidden = Buffer.from(`${shift}${canary}bc`).toString("base64");
      assert.throws(() => assertNoCanary(Buffer.from(`x${hidden}x`), "a text"), /is in a text/, canary);
    }
    assert.throws(() => assertNoCanary(Buffer.from(`x${canary}x`), "a text"), /is in a text/);
  }
});

test("what a scripted agent says and commits of the environment's secrets is left nowhere", async (t) => {
  const home = freshHome(t);
  await t.test("said: the run goes on without them", async (t2) => {
    const project = smallProject(t2);
    const script = project.script(FIX);
    const { attempts } = JSON.parse(readFileSync(script, "utf8"));
    const said = Object.values(CANARIES).flatMap((canary) => [
      { say: `The secret is ${canary}.` },
      { say: `In base64 it is ${Buffer.from(canary).toString("base64")}` },
    ]);
    writeFileSync(
      script,
      JSON.stringify({ version: 1, attempts: [{ steps: [...said, ...attempts[0].steps] }] }),
    );
    const { code, err, result } = await runWith(home, project, `script:${script}`);
    assert.deepEqual([code, result.verdict], [0, "proven"], err);
    assert.match(readFileSync(join(result.bundle_dir, "REPLAY.jsonl"), "utf8"), /The secret is \[redacted\]/);
  });
  await t.test("written into the patch: it goes nowhere", async (t2) => {
    for (const canary of Object.values(CANARIES)) {
      const project = smallProject(t2);
      const script = project.script({ ...FIX, "src/leak.js": `export default ${JSON.stringify(canary)};\n` });
      const { result } = await runWith(home, project, `script:${script}`);
      assert.deepEqual([result.state, result.problem.code], ["failed", "patch_contains_secret"]);
      assert.equal(result.spent_msats, 0);
    }
  });
  await t.test("looked for by the tests of the patch: their output has none", async (t2) => {
    const project = smallProject(t2);
    const search = [
      'import { readFileSync, readdirSync } from "node:fs";',
      'import { test } from "node:test";',
      "const environments = readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name)).map((pid) => {",
      "  try { return readFileSync(`/proc/${pid}/environ`, 'utf8'); } catch { return ''; }",
      "});",
      'test("prints what it finds", () => console.log(JSON.stringify([process.env, environments])));',
      "",
    ].join("\n");
    const script = project.script({ ...FIX, "test/search.test.js": search });
    const { code, err, result } = await runWith(home, project, `script:${script}`);
    assert.deepEqual([code, result.verdict], [0, "proven"], err);
    const artifacts = readdirSync(join(result.bundle_dir, "artifacts"));
    const texts = artifacts.map((name) => readFileSync(join(result.bundle_dir, "artifacts", name), "utf8"));
    assert.ok(
      texts.some((text) => text.includes("OPENAGENTS_REPORT_FOLDER")),
      "it printed its environment",
    );
  });
  assert.ok(assertNoCanaryBelow(home.folder) > 100);
});

test("what codex's commands try to print and write of them is left nowhere, its own key included", async (t) => {
  const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "openagents-tests");
  mkdirSync(cache, { recursive: true });
  const program = await codexOrSkip(t, cache);
  if (program === undefined) return;
  const home = freshHome(t, cache);
  const project = smallProject(t);
  const steps: readonly ScriptedStep[] = [
    { run: "env; export; set" },
    { run: "for p in /proc/[0-9]*; do tr '\\0' '\\n' < $p/environ; tr '\\0' ' ' < $p/cmdline; done" },
    { run: "env | base64 -w 0 > src/environment.txt; env >> src/environment.txt" },
    {
      run: `echo "$CANARY_API_TOKEN$AWS_SECRET_ACCESS_KEY$DATABASE_ADMIN_PASSWORD$SCRIPTED_KEY" > src/secrets.txt`,
    },
    { run: `find ${dirname(home.folder)} -type f -name '*.toml' -o -name auth.json | head -50 | xargs cat` },
    { run: `cat ${home.folder}/keys/* ${home.folder}/postgres.password` },
    {
      patch:
        "*** Begin Patch\n*** Update File: src/add.js\n@@\n-export const add = (a, b) => a - b;\n+export const add = (a, b) => a + b;\n*** End Patch",
    },
    { say: `I know ${CANARIES.CANARY_API_TOKEN} and ${CANARIES.SCRIPTED_KEY}.` },
  ];
  await using server = await startResponsesServer([steps]);
  const modelProvider = { baseUrl: server.baseUrl, envKey: "SCRIPTED_KEY", wireApi: "responses" };
  const { code, err, result } = await runWith(home, project, "codex", {
    OPENAGENTS_CODEX: program,
    OPENAGENTS_CODEX_CONFIG: JSON.stringify({ model: server.model, modelProvider }),
  });
  assert.deepEqual([code, result.verdict], [0, "proven"], err);
  assert.equal(server.outputs().length, steps.length - 1, "every attempt was made");
  assertNoCanary(Buffer.from(JSON.stringify(server.outputs())), "what the model was told");
  assert.ok(
    server.requests.every(({ authorization }) => authorization === `Bearer ${CANARIES.SCRIPTED_KEY}`),
  );
  assertNoCanary(Buffer.from(project.git("show", result.branch)), "the branch");
  assert.ok(assertNoCanaryBelow(home.folder) > 100);
});

/** Undefined, with the test skipped visibly, when codex is not here and cannot be fetched. */
async function codexOrSkip(t: TestContext, folder: string): Promise<string | undefined> {
  try {
    return await codexBinary({ folder, env: process.env, signal: t.signal });
  } catch (cause) {
    if (!(cause instanceof AgentError) || cause.code !== "codex_install_failed") throw cause;
    t.skip(`codex is not installed: ${cause.message}`);
    return undefined;
  }
}
