// Two published libraries with their own tests, fetched when this runs, each with
// one line made wrong: their repositories are as their authors made them, and the
// run has to put the line right.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { projectRepository } from "@openagents/testing";
import { freshHome } from "./openagents.ts";
import { assertBooksHold, canFetch, rerunBundles, runProject, type RunResult } from "./projects.ts";

type Library = {
  readonly name: string;
  /** The registry's own client; it leaves one archive in the folder. */
  readonly fetch: readonly [command: string, ...args: readonly string[]];
  readonly file: string;
  readonly right: string;
  readonly wrong: string;
  readonly issue: string;
  /** Files beside those of the archive. */
  readonly added: Readonly<Record<string, string>>;
  readonly args: readonly string[];
  readonly testsKeptMin: number;
};

const LIBRARIES: readonly Library[] = [
  {
    name: "process-warning",
    fetch: ["npm", "pack", "process-warning@5.0.0", "--loglevel=error"],
    file: "index.js",
    right: "  code = code.toUpperCase()\n",
    wrong: "  code = code.toLowerCase()\n",
    issue: "Codes of warnings are in lower case\n\ncreateWarning({ code: 'code' }) must give the code CODE.",
    added: {},
    // Its other tests need tools that its package does not bring.
    args: ["--no-layers", "--check", "node --test test/emit-*.test.js test/index.test.js"],
    testsKeptMin: 5,
  },
  {
    name: "inflection",
    fetch: ["python3", "-m", "pip", "download", "--no-binary", ":all:", "--no-deps", "inflection==0.5.1"],
    file: "inflection/__init__.py",
    right: '        return "th"\n',
    wrong: '        return "st"\n',
    issue: "11, 12 and 13 have the wrong ordinal\n\nordinal(11) gives st, and must give th.",
    added: { "requirements-dev.txt": "pytest==8.4.2\n" },
    args: [],
    testsKeptMin: 400,
  },
];

test("a line of a published library is put right", async (t) => {
  const home = freshHome(t);
  const up = await home.run(["up", "--detach", "--port-base", "0"]);
  assert.equal(up.code, 0, up.err);
  const runs: RunResult[] = [];
  for (const library of LIBRARIES) {
    await t.test(library.name, async (t2) => {
      const folder = mkdtempSync(join(tmpdir(), "oa-upstream-"));
      t2.after(() => rmSync(folder, { recursive: true, force: true }));
      const source = fetchSource(t2, folder, library);
      if (source === undefined) return;
      const path = join(source, library.file);
      const published = readFileSync(path, "utf8");
      assert.equal(published.split(library.right).length, 2, "the line is there once");
      writeFileSync(path, published.replace(library.right, library.wrong));
      for (const [name, text] of Object.entries(library.added)) writeFileSync(join(source, name), text);
      const fill = (repo: string) => cpSync(source, repo, { recursive: true });
      const repository = projectRepository(fill, [["as published, but for a line"]]);
      t2.after(() => repository.remove());

      writeFileSync(join(repository.repo, library.file), published);
      const fix = repository.git("diff");
      repository.git("checkout", "--quiet", "--", ".");
      const fixFile = join(folder, "fix.patch");
      writeFileSync(fixFile, fix);
      const { issue, args } = library;
      const result = await runProject(t2, home, { repository, issue, agent: `script:${fixFile}`, fix, args });
      if (result === undefined) return;
      assert.equal(result.proof, "by_tests");
      assert.ok((result.tests_fixed ?? 0) >= 1, "a test of its own found the line");
      assert.ok((result.tests_kept ?? 0) >= library.testsKeptMin, `${result.tests_kept} tests were kept`);
      assert.equal(repository.git("show", `${result.branch}:${library.file}`), published);
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

/** The folder that the archive unpacks to; undefined, with the test skipped, when the registry is away. */
function fetchSource(t: TestContext, folder: string, library: Library): string | undefined {
  const [archives, unpacked] = [join(folder, "archives"), join(folder, "unpacked")];
  mkdirSync(archives);
  mkdirSync(unpacked);
  if (!canFetch(t, archives, library.fetch)) return undefined;
  const [archive = ""] = readdirSync(archives);
  execFileSync("tar", ["-xzf", join(archives, archive)], { cwd: unpacked });
  const [top = ""] = readdirSync(unpacked);
  return join(unpacked, top);
}
