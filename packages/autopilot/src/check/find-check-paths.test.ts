import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { runGit, snapshotBase, type Base } from "../git/index.ts";
import { findCheckPaths } from "./find-check-paths.ts";

type Files = Readonly<Record<string, string | { readonly to: string }>>;

async function baseWith(t: TestContext, files: Files): Promise<Base> {
  const dir = await mkdtemp(join(tmpdir(), "check-paths-"));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const repo = join(dir, "repo");
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(repo, path)), { recursive: true });
    if (typeof content === "string") await writeFile(join(repo, path), content);
    else await symlink(content.to, join(repo, path));
  }
  await runGit(["init", "--quiet"], { cwd: repo });
  await runGit(["add", "--all", "--force", "."], { cwd: repo });
  await runGit(["commit", "--quiet", "--message", "x"], { cwd: repo });
  await mkdir(join(dir, "base"));
  return snapshotBase(repo, join(dir, "base"));
}

async function pathsOf(t: TestContext, files: Files, ...commands: string[]): Promise<readonly string[]> {
  return findCheckPaths(await baseWith(t, files), commands);
}

const scripts = (all: Readonly<Record<string, string>>) => JSON.stringify({ scripts: all });

type Row = readonly [what: string, files: Files, command: string, paths: readonly string[]];

const ROWS: readonly Row[] = [
  [
    "a script, and what it starts and sources, from its folder and from the root",
    {
      "run-tests.sh": ". ci/lib.sh\nsh ci/more.sh\n",
      "ci/lib.sh": "x=1\n",
      "ci/more.sh": 'cd "$(dirname "$0")/.."\n. "$(dirname "$0")/near.sh"\nnode tools/check.js\n',
      "ci/near.sh": "",
      "tools/check.js": 'import "../src/a.js";\n',
      "src/a.js": "",
      "other.sh": "",
    },
    "./run-tests.sh",
    ["ci/lib.sh", "ci/more.sh", "ci/near.sh", "run-tests.sh", "tools/check.js"],
  ],
  [
    "a script of package.json, with those before, after and within it",
    {
      "package.json": scripts({
        pretest: "node before.js",
        test: "npm run unit -- --all && pnpm lint",
        posttest: "sh after.sh",
        unit: "node run.js",
        lint: "bash -c './lint'",
        build: "node build.js",
      }),
      "before.js": "",
      "after.sh": "",
      "run.js": "",
      lint: "#!/bin/sh\n",
      "build.js": "",
    },
    "timeout 60 npm test",
    ["after.sh", "before.js", "lint", "run.js"],
  ],
  [
    "a script of a package in a folder, and of every workspace",
    {
      "package.json": scripts({ test: "npm run check --workspaces" }),
      "packages/a/package.json": scripts({ check: "node check.js" }),
      "packages/a/check.js": "",
      "packages/b/package.json": scripts({ check: "npm --prefix ../a run own", own: "sh no.sh" }),
      "packages/b/no.sh": "",
    },
    "npm test",
    ["packages/a/check.js"],
  ],
  [
    "the recipes of a goal and of what it needs, with make's variables",
    {
      Makefile: [
        "RUN := ci/run.sh",
        "include rules.mk",
        "all: ; node all.js",
        "test: build unit",
        "\t@cd . && ./$(RUN) $@",
        "build: src/a.c",
        "\t$(CC) -o out/t $^",
        "deploy:",
        "\t./deploy.sh",
        "",
      ].join("\n"),
      "rules.mk": "unit: unit.py\n\tpython3 $<\n",
      "ci/run.sh": "#!/bin/sh\n",
      "src/a.c": "",
      "unit.py": "",
      "all.js": "",
      "deploy.sh": "",
    },
    "make test",
    ["Makefile", "ci/run.sh", "rules.mk", "unit.py"],
  ],
  [
    "the first goal, one in a folder, and every rule where the goal is not clear",
    {
      Makefile: "all:\n\t$(MAKE) -C sub check\n",
      "sub/makefile": "%:\n\tsh $*.sh\n\tsh a.sh\nother:\n\tsh b.sh\n",
      "sub/a.sh": "",
      "sub/b.sh": "",
    },
    "make",
    ["Makefile", "sub/a.sh", "sub/b.sh", "sub/makefile"],
  ],
  [
    "what a link leads to, and the link",
    { run: { to: "bin/run" }, bin: { to: "tools/bin" }, "tools/bin/run": "#!/bin/sh\n" },
    "./run",
    ["bin", "run", "tools/bin/run"],
  ],
  [
    "a Python module, and what a program starts by a literal",
    {
      "tools/check.py":
        'import subprocess\nsubprocess.run(["bash", "ci/inner.sh"])\nos.system("node ci/x.js")\n',
      "tools/__init__.py": "",
      "ci/inner.sh": "",
      "ci/x.js": "",
    },
    "python3 -m tools.check",
    ["ci/inner.sh", "ci/x.js", "tools/check.py"],
  ],
  [
    "what a justfile starts",
    { justfile: "test:\n  @./ci/run --all\n", "ci/run": "#!/usr/bin/env node\n" },
    "just test",
    ["ci/run"],
  ],
  [
    "what a loop starts by a pattern",
    {
      "run.sh": 'for f in qa/*.sh qa/[a-b]; do sh "$f"; done; for f in src/*.c; do cc $f; done',
      "qa/one.sh": "",
      "qa/b": "",
      "qa/cc": "",
      "qa/deep/two.sh": "",
      "src/a.c": "",
    },
    "./run.sh",
    ["qa/b", "qa/one.sh", "run.sh"],
  ],
  [
    "scripts that start each other for ever",
    { "a.sh": "./b.sh", "b.sh": "./a.sh", "package.json": scripts({ test: "npm run test && ./a.sh" }) },
    "npm test",
    ["a.sh", "b.sh"],
  ],
  [
    "nothing, where a runner finds the tests by itself",
    { "src/a.js": "", "test/a.test.js": "", "package.json": scripts({ test: "node --test" }) },
    "npm test",
    [],
  ],
  [
    "nothing that is absent, a folder, or outside",
    { "sub/x": "", "b.sh": "" },
    "./a.sh; ./sub; sh ../b.sh; /usr/bin/b.sh",
    [],
  ],
];

for (const [what, files, command, paths] of ROWS) {
  test(`found: ${what}`, async (t) => {
    assert.deepEqual(await pathsOf(t, files, command), paths);
  });
}

test("a check that starts more than a job can name is refused", async (t) => {
  const names = Array.from({ length: 201 }, (_, index) => `s${index}.sh`);
  const files = Object.fromEntries(names.map((name) => [name, ""]));
  await assert.rejects(pathsOf(t, files, names.map((name) => `./${name}`).join(";")), {
    code: "check_too_wide",
    message: /200.*--check/,
  });
  assert.equal((await pathsOf(t, files, "./s1.sh", "./s2.sh")).length, 2);
});

test("a program of many literals is read through", async (t) => {
  const literals = Array.from({ length: 900 }, (_, index) => `"it's text ${index}",`).join("\n");
  const files = Object.fromEntries(
    Array.from({ length: 30 }, (_, index) => [`p${index}.js`, `[${literals}\n"node p${index + 1}.js"]`]),
  );
  const paths = await pathsOf(
    t,
    files,
    ...Object.keys(files)
      .slice(0, 20)
      .map((name) => `node ${name}`),
  );
  assert.ok(paths.length > 20, paths.join());
});

test("a script too large to be read through is named all the same", async (t) => {
  const files = { "run.sh": `./a.sh\n${"#".repeat(256 * 1024)}`, "a.sh": "" };
  assert.deepEqual(await pathsOf(t, files, "./run.sh"), ["run.sh"]);
});
