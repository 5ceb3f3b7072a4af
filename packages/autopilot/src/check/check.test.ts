import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { chooseCheck, readProject, type Check } from "./index.ts";
import { lowestVersion } from "./read-command.ts";

async function projectWith(t: TestContext, files: Readonly<Record<string, string>>) {
  const dir = await mkdtemp(join(tmpdir(), "check-"));
  t.after(() => rm(dir, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), text);
  }
  return { dir, project: await readProject(dir) };
}

async function choose(
  t: TestContext,
  files: Readonly<Record<string, string>>,
  asked: readonly string[] = [],
) {
  return chooseCheck((await projectWith(t, files)).project, asked);
}

function pack(scripts: Record<string, string>, more: object = {}): string {
  return JSON.stringify({ name: "x", scripts, ...more });
}

type Row = readonly [
  what: string,
  files: Readonly<Record<string, string>>,
  command: string,
  runner: Check["testRunner"] | undefined,
  toolchain: string | undefined,
];

const ROWS: readonly Row[] = [
  ["node:test", { "package.json": pack({ test: "node --test" }) }, "node --test", "node_test", "node 18"],
  [
    "the Node that engines name",
    { "package.json": pack({ test: "node --test test/" }, { engines: { node: "^20.9 || >=22" } }) },
    "node --test test/",
    "node_test",
    "node 20.9",
  ],
  [
    "vitest that is installed",
    { "package.json": pack({ test: "vitest run" }, { devDependencies: { vitest: "3" } }) },
    "vitest run",
    "vitest",
    "node 18",
  ],
  [
    "vitest that is not installed",
    { "package.json": pack({ test: "vitest run" }) },
    "vitest run",
    undefined,
    "node 18",
  ],
  [
    "jest through another script",
    {
      "package.json": pack({ test: "npm run unit", unit: "jest --ci" }, { devDependencies: { jest: "30" } }),
    },
    "npm test",
    "jest",
    "node 18",
  ],
  [
    "scripts before the test",
    { "package.json": pack({ pretest: "tsc", test: "node --test" }) },
    "npm test",
    "node_test",
    "node 18",
  ],
  [
    "scripts that run each other for ever",
    { "package.json": pack({ test: "npm run a", a: "npm run test" }) },
    "npm test",
    undefined,
    "node 18",
  ],
  [
    "two runners, neither of which is clear",
    { "package.json": pack({ test: "jest && node --test" }, { devDependencies: { jest: "30" } }) },
    "jest && node --test",
    undefined,
    "node 18",
  ],
  [
    "a script with a reporter of its own",
    { "package.json": pack({ test: "node --test --test-reporter=tap" }) },
    "node --test --test-reporter=tap",
    undefined,
    "node 18",
  ],
  [
    "a runner of its own",
    { "package.json": pack({ test: "node run-tests.js" }) },
    "node run-tests.js",
    undefined,
    "node 18",
  ],
  [
    "pytest that is configured",
    { "pyproject.toml": '[project]\nrequires-python = ">=3.11,<4"\n[tool.pytest.ini_options]\n' },
    "python3 -m pytest",
    "pytest",
    "python3 3.11",
  ],
  [
    "pytest that is declared",
    { "requirements.txt": "pytest==8\n" },
    "python3 -m pytest",
    "pytest",
    "python3 3.8",
  ],
  [
    "a plugin of pytest, which is not pytest",
    { "requirements.txt": "requests\n", "test_a.py": "import unittest\n" },
    "python3 -m unittest discover",
    "unittest",
    "python3 3.8",
  ],
  [
    "pytest that the tests import",
    { "tests/test_a.py": "import pytest\n", "setup.py": "" },
    "python3 -m pytest",
    "pytest",
    "python3 3.8",
  ],
  [
    "unittest in a folder that is no package",
    { "tests/test_a.py": "import unittest\n" },
    "python3 -m unittest discover -s tests",
    "unittest",
    "python3 3.8",
  ],
  [
    "unittest in a package",
    { "tests/test_a.py": "import unittest\n", "tests/__init__.py": "" },
    "python3 -m unittest discover",
    "unittest",
    "python3 3.8",
  ],
  ["go", { "go.mod": "module x\n\ngo 1.22.1\n" }, "go test ./...", "go", "go 1.22.1"],
  ["cargo", { "Cargo.toml": '[package]\nrust-version = "1.70"\n' }, "cargo test", "cargo", "cargo 1.70"],
  ["make test", { Makefile: "all:\n\ntest: all\n\t./t\n" }, "make test", undefined, undefined],
  ["make check", { Makefile: "check:\n\t./t\ntest := 1\n" }, "make check", undefined, undefined],
  [
    "a Makefile that wraps",
    { Makefile: "test:\n\tgo test ./...\n", "go.mod": "module x\n" },
    "go test ./...",
    "go",
    "go 1.18",
  ],
  [
    "a package.json without a test beside a Python project",
    {
      "package.json": pack({ test: 'echo "Error: no test specified" && exit 1' }),
      "pytest.ini": "[pytest]\n",
    },
    "python3 -m pytest",
    "pytest",
    "python3 3.8",
  ],
];

for (const [what, files, command, runner, toolchain] of ROWS) {
  test(`detected: ${what}`, async (t) => {
    const check = await choose(t, files);
    assert.deepEqual(check.commands, [command]);
    assert.equal(check.testRunner, runner);
    const named = check.toolchains.map(({ name, versionMin }) => `${name} ${versionMin}`);
    assert.deepEqual(named, toolchain === undefined ? [] : [toolchain]);
  });
}

test("the user's word goes before the configuration, and the configuration before the manifest", async (t) => {
  const files = {
    "package.json": pack({ test: "node --test", other: "node --test other/" }),
    ".openagents/config.json": JSON.stringify({ version: 1, check: ["npm run other"] }),
  };
  assert.deepEqual((await choose(t, files, ["npm test", "node lint.js"])).commands, [
    "npm test",
    "node lint.js",
  ]);
  const configured = await choose(t, files);
  assert.deepEqual(configured.commands, ["npm run other"]);
  assert.equal(configured.testRunner, "node_test");
});

test("what could be understood in two ways is asked, and so is what says nothing", async (t) => {
  const both = { "package.json": pack({ test: "node --test" }), "go.mod": "module x\n" };
  await assert.rejects(choose(t, both), {
    code: "check_unclear",
    message: /package\.json.*go\.mod.*--check/,
  });
  await assert.rejects(choose(t, { "README.md": "" }), { code: "check_not_found", message: /--check/ });
  await assert.rejects(choose(t, { "package.json": "{" }), { code: "check_unclear", message: /--check/ });
  assert.deepEqual((await choose(t, both, ["go test ./..."])).commands, ["go test ./..."]);
});

test("a script named like a member of every object is no test", async (t) => {
  await assert.rejects(choose(t, { "package.json": '{"scripts":{"__proto__":{"test":"x"}}}' }), {
    code: "check_not_found",
  });
});

test("manifests are not read through links", async (t) => {
  const { dir } = await projectWith(t, { "real.json": pack({ test: "node --test" }) });
  await symlink(join(dir, "real.json"), join(dir, "package.json"));
  const project = await readProject(dir);
  assert.throws(() => chooseCheck(project, []), { code: "check_not_found" });
});

test("the lowest version of a range ignores its upper bounds", () => {
  for (const [range, lowest] of [
    [">=20.1 <23", "20.1"],
    ["<22 >=18", "18"],
    ["^18 || >=20", "18"],
    ["~3.11, != 3.11.2", "3.11"],
    ["v20.x", "20"],
    ["*", undefined],
    ["", undefined],
    ["<22", undefined],
  ] as const) {
    assert.equal(lowestVersion(range), lowest, range);
  }
});
