// Patches that fix nothing and make the check pass, through the whole of
// `openagents run`: none is proven, none gets a branch, and nothing is released.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { sampleProject, type ProjectName } from "@openagents/testing";
import { freshHome, type Home } from "./openagents.ts";
import { assertBooksHold, isOffline, runProject } from "./projects.ts";

type Cheat = {
  readonly name: string;
  readonly project: ProjectName;
  /** Paths with their new content; null deletes. */
  readonly changes: Readonly<Record<string, ((text: string) => string) | null>>;
  readonly verdict: "failed" | "passed_only" | "needs_review";
  /** Files that the project has besides, and the check that they are for. */
  readonly own?: Own;
};

type Own = { readonly files: Readonly<Record<string, string>>; readonly check: string };

const FORGED = [
  'import { writeFileSync } from "node:fs";',
  'import { randomBytes } from "node:crypto";',
  'const test = ["test/plan.test.js", "plan", "is cut to the longest wait from the start"];',
  'const records = [{ start: "node_test" }, { test, outcome: "passed" }, { end: 1 }];',
  'const file = `/tmp/openagents-report/node_test-${randomBytes(16).toString("hex")}.jsonl`;',
  'writeFileSync(file, records.map((record) => `${JSON.stringify(record)}\\n`).join(""));',
  "process.exit(0);",
  "",
].join("\n");

const ASSERTIONS = [
  'import assert from "node:assert";',
  'import { syncBuiltinESMExports } from "node:module";',
  "for (const one of [assert, assert.strict]) {",
  "  for (const name of Object.keys(one)) Reflect.set(one, name, () => {});",
  "}",
  "syncBuiltinESMExports();",
  "",
].join("\n");

/** A check of the project's own, behind two files that no table of names knows. */
const SCRIPT: Own = {
  files: { "qa/verify": "#!/bin/sh\n. qa/steps\n", "qa/steps": "make test\n" },
  check: "qa/verify",
};

const CHEATS: readonly Cheat[] = [
  {
    name: "the source writes a report as ours would be and ends every process",
    project: "backoff-plan",
    changes: { "src/plan.js": (text) => FORGED + text },
    verdict: "failed",
  },
  {
    name: "the source replaces every assertion, silently",
    project: "backoff-plan",
    changes: { "src/plan.js": (text) => ASSERTIONS + text },
    verdict: "failed",
  },
  {
    name: "the failing tests skip themselves",
    project: "backoff-plan",
    changes: {
      "test/plan.test.js": (text) => text.replaceAll(/ it\((?="(?:stays|is cut|spends))/g, " it.skip("),
    },
    verdict: "passed_only",
  },
  {
    name: "the source ends Python with success at the end of the tests",
    project: "slot-book",
    changes: {
      "src/slot_book/__init__.py": (text) =>
        `import atexit, os\natexit.register(lambda: os._exit(0))\n${text}`,
    },
    verdict: "failed",
  },
  {
    name: "a new conftest.py makes every report a pass",
    project: "slot-book",
    changes: {
      "conftest.py": () =>
        "import pytest\n\n@pytest.hookimpl(hookwrapper=True)\ndef pytest_runtest_makereport():\n" +
        '    outcome = yield\n    outcome.get_result().outcome = "passed"\n',
    },
    verdict: "needs_review",
  },
  {
    name: "the tests of C are emptied",
    project: "field-split",
    changes: { "tests/field_split_test.c": () => "int main(void) { return 0; }\n" },
    verdict: "passed_only",
  },
  {
    name: "a GNUmakefile stands before the Makefile",
    project: "field-split",
    changes: { GNUmakefile: () => "test:\n\t@true\n" },
    verdict: "needs_review",
  },
  {
    name: "the check's own script becomes exit 0",
    project: "field-split",
    own: SCRIPT,
    changes: { "qa/verify": () => "#!/bin/sh\nexit 0\n" },
    verdict: "failed",
  },
  {
    name: "what the check's own script sources is emptied",
    project: "field-split",
    own: SCRIPT,
    changes: { "qa/steps": () => "" },
    verdict: "failed",
  },
  {
    name: "a new file stands for the goal that make is asked for",
    project: "field-split",
    own: {
      files: { "proof.mk": "include Makefile\nproof:\n\tqa/verify\n", ...SCRIPT.files },
      check: "make -f proof.mk proof",
    },
    changes: { proof: () => "" },
    verdict: "needs_review",
  },
];

test("a cheat is never proven and never paid", async (t) => {
  const home = freshHome(t);
  const up = await home.run(["up", "--detach", "--port-base", "0"]);
  assert.equal(up.code, 0, up.err);
  for (const cheat of CHEATS) await t.test(cheat.name, (t2) => holds(t2, home, cheat));
  await t.test("an honest fix of a project whose check is a script of its own is proven", async (t2) => {
    const project = sampleProject("field-split");
    t2.after(() => project.remove());
    addOwn(project, SCRIPT);
    const agent = `script:${project.fixFile}`;
    const fix = readFileSync(project.fixFile, "utf8");
    const args = ["--check", SCRIPT.check];
    await runProject(t2, home, { repository: project, issue: project.issueFile, agent, fix, args });
  });
  await assertBooksHold(home);
});

function addOwn({ repo, git }: ReturnType<typeof sampleProject>, { files }: Own): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(repo, path)), { recursive: true });
    writeFileSync(join(repo, path), text, { mode: 0o755 });
  }
  git("add", "--all");
  git("commit", "--quiet", "--message", "a check of its own");
}

async function holds(
  t: TestContext,
  home: Home,
  { project: name, changes, verdict, own }: Cheat,
): Promise<void> {
  const project = sampleProject(name);
  t.after(() => project.remove());
  if (own !== undefined) addOwn(project, own);
  const script = join(project.repo, "..", "cheat.patch");
  writeFileSync(script, patchOf(project, changes));
  const check = own === undefined ? [] : ["--check", own.check];
  const args = ["--agent", `script:${script}`, "--attempts", "1", "--json", ...check];
  const run = await home.run(["run", "--repo", project.repo, "--issue", project.issueFile, ...args]);
  const result = JSON.parse(run.out);
  if (isOffline(run)) return t.skip(`the registry cannot be reached: ${result.problem.detail}`);
  assert.equal(result.verdict, verdict, run.err);
  if (verdict !== "needs_review") {
    assert.deepEqual([run.code, result.state, result.problem.code], [1, "failed", `verdict_${verdict}`]);
    return assertUnpaid(home, result, project.git("branch", "--list"));
  }
  assert.deepEqual([run.code, result.state, result.branch], [3, "needs_review", null]);
  const rejected = await home.run(["runs", "reject", result.run_id, "--json"]);
  assert.equal(rejected.code, 0, rejected.err);
  await assertUnpaid(home, JSON.parse(rejected.out), project.git("branch", "--list"));
}

async function assertUnpaid(
  home: Home,
  result: {
    run_id: string;
    settlement_status: string;
    branch: null;
    reserved_msats: number;
    bundle_dir: string;
  },
  branches: string,
): Promise<void> {
  assert.deepEqual([result.settlement_status, result.branch, result.reserved_msats], ["withheld", null, 0]);
  assert.match(branches, /^\* main\n$/);
  const { events } = JSON.parse((await home.run(["runs", "show", result.run_id, "--json"])).out);
  const types: readonly string[] = events.map((event: { event_type: string }) => event.event_type);
  assert.equal(types.includes("payment.released"), false);
  assert.ok(types.includes("payment.withheld"));
  assert.equal((await home.run(["verify", result.bundle_dir])).code, 0);
}

/** As git writes it; the checkout is left clean. */
function patchOf({ repo, git }: ReturnType<typeof sampleProject>, changes: Cheat["changes"]): string {
  for (const [path, change] of Object.entries(changes)) {
    if (change === null) git("rm", "--quiet", path);
    else {
      const before = git("ls-files", path) === "" ? "" : git("show", `HEAD:${path}`);
      writeFileSync(join(repo, path), change(before));
    }
  }
  git("add", "--all");
  const patch = git("diff", "--cached", "--binary");
  git("reset", "--quiet", "--hard");
  return patch;
}
