import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCheckConfig } from "./check-config.ts";
import { isCheckConfigPath, isTestPath } from "./check-paths.ts";
import { classifyPatch } from "./classify-patch.ts";
import { patchFiles } from "./patch-files.ts";

test("tests are found by folder and by name in each ecosystem of the table", () => {
  const tests = [
    "test/a.js",
    "packages/x/tests/fixture.json",
    "src/__tests__/a.tsx",
    "spec/a_spec.rb",
    "src/a.test.ts",
    "a.spec.mjs",
    "test_a.py",
    "pkg/a_test.py",
    "pkg/a_test.go",
    "pkg/testdata/x",
    "src/ATest.java",
    "test.js",
    "Tests/A.swift",
    "src/a.test.tsx.snap",
  ];
  for (const path of tests) assert.equal(isTestPath(path), true, path);
  for (const path of [
    "src/contest.ts",
    "src/latest/a.ts",
    "attest.py",
    "src/testing.ts",
    "protest.go",
    "Latest.java",
  ]) {
    assert.equal(isTestPath(path), false, path);
  }
});

test("source that a patch makes name a test runner is looked at as configuration, tests and prose are not", () => {
  const diff = (path: string, line: string) =>
    `diff --git a/${path} b/${path}\n--- a/${path}\n+++ b/${path}\n@@ -1 +1 @@\n-x\n+${line}\n`;
  const configOf = (path: string, line: string) =>
    classifyPatch(patchFiles(diff(path, line))).checkConfigPaths;
  for (const line of [
    'import { expect } from "vitest";',
    'const t = require("node:test");',
    "    import _pytest.runner as r",
    "unittest.TestCase.assertEqual = print",
    "globalThis.expect.extend({})",
    'const folder = process.env["OPENAGENTS_REPORT_FOLDER"];',
  ]) {
    assert.deepEqual(configOf("src/a.js", line), ["src/a.js"], line);
    assert.deepEqual(configOf("test/a.js", line), [], line);
    assert.deepEqual(configOf("docs/a.md", line), [], line);
  }
  for (const line of ["expect(token)", "majestic", "contest()", "++ b"]) {
    assert.deepEqual(configOf("src/a.js", line), [], line);
  }
  const removed = diff("src/a.js", "y").replace("-x", "-import vitest");
  assert.deepEqual(classifyPatch(patchFiles(removed)).checkConfigPaths, []);
});

test("what builds, finds, or runs a check is its configuration", () => {
  const config = [
    "package.json",
    "packages/x/package.json",
    "package-lock.json",
    "yarn.lock",
    ".npmrc",
    "packages/x/.npmrc",
    "Makefile",
    "sub/makefile",
    "test",
    "check",
    "conftest.py",
    "tests/conftest.py",
    "pytest.ini",
    "pyproject.toml",
    "tox.ini",
    "setup.cfg",
    "tsconfig.json",
    "tsconfig.build.json",
    "vitest.config.ts",
    "jest.config.cjs",
    "babel.config.js",
    ".babelrc.json",
    "Cargo.toml",
    "go.mod",
    "CMakeLists.txt",
    ".env",
    ".github/workflows/x.yml",
    ".gitignore",
    ".openagents/config.json",
    "scripts/test.sh",
    "requirements-dev.txt",
    "lib/x.pth",
    "src/.mocharc.json",
    "src/.hidden",
    "node_modules/vitest/index.js",
    "packages/x/node_modules/y/z.js",
    "plugin.dist-info/entry_points.txt",
    "src/__pycache__/a.cpython-311.pyc",
    "pytest.py",
    "unittest/__init__.py",
    "openagents_report.py",
    "openagents_report_file.py",
    "sitecustomize.py",
    "vitest.workspace.ts",
    "unknown-tool.config.mjs",
    "run-tests.sh",
    "Check.PS1",
    "test.cmd",
    "ci/run",
    "script/cibuild",
    "mix.exs",
    "src/App.csproj",
    "App.sln",
    "build.sbt",
    "configure",
    "configure.ac",
    "CMakePresets.json",
    "cmake/tests.cmake",
    "WORKSPACE",
    "pkg/BUILD",
    "pkg/BUILD.bazel",
    "MODULE.bazel",
    "dune-project",
    "test-suite.cabal",
    "Package.swift",
    "pubspec.yaml",
    "rebar.config",
    "deps.edn",
    "project.clj",
    "bunfig.toml",
    "justfile",
  ];
  for (const path of config) assert.equal(isCheckConfigPath(path), true, path);
  for (const path of [
    "src/package.ts",
    "docs/scripts/a.sh",
    "src/ci/a.js",
    "lib/install.sh",
    "src/build/a.c",
    "src/workspace/a.ts",
    "scripts",
    "src/app.config.ts",
    "src/pytest.py",
    "README.md",
    "src/config.ts",
  ]) {
    assert.equal(isCheckConfigPath(path), false, path);
  }
});

test("only tests that were there before are existing tests", () => {
  const classification = classifyPatch([
    { path: "src/a.ts", status: "modified" },
    { path: "test/new.ts", status: "added" },
    { path: "test/old.ts", status: "modified" },
    { path: "test/gone.ts", status: "deleted" },
    { path: "tests/conftest.py", status: "added" },
  ]);
  assert.deepEqual(classification, {
    testPaths: ["test/new.ts", "test/old.ts", "test/gone.ts", "tests/conftest.py"],
    existingTestPaths: ["test/old.ts", "test/gone.ts"],
    removedTestPaths: ["test/gone.ts"],
    checkConfigPaths: ["tests/conftest.py"],
    guardPaths: ["test/gone.ts", "test/old.ts"],
    sourcePaths: ["src/a.ts"],
    endingPaths: [],
  });
});

test("a test cannot leave by being renamed to source, nor configuration", () => {
  const classification = classifyPatch([
    { path: "src/was-a-test.ts", oldPath: "test/a.ts", status: "renamed" },
    { path: "doc/make.txt", oldPath: "Makefile", status: "renamed" },
  ]);
  assert.deepEqual(classification, {
    testPaths: ["src/was-a-test.ts"],
    existingTestPaths: ["src/was-a-test.ts"],
    removedTestPaths: ["test/a.ts"],
    checkConfigPaths: ["doc/make.txt"],
    guardPaths: ["Makefile", "test/a.ts"],
    sourcePaths: [],
    endingPaths: [],
  });
});

test("what is guarded was there before, by the name it had then", () => {
  const { guardPaths } = classifyPatch([
    { path: "test/z.ts", status: "modified" },
    { path: "test/new.ts", status: "added" },
    { path: "package.json", status: "modified" },
    { path: "scripts/run.sh", status: "deleted" },
    { path: "test/moved.ts", oldPath: "src/a.ts", status: "renamed" },
    { path: "src/b.ts", status: "modified" },
    { path: "tests/conftest.py", status: "modified" },
  ]);
  assert.deepEqual(guardPaths, ["package.json", "scripts/run.sh", "test/z.ts", "tests/conftest.py"]);
});

test("the configuration adds to the table", () => {
  const config = parseCheckConfig(`{"version":1,"test_paths":["qa/**"],"config_paths":["how/*.js"]}`);
  assert.deepEqual(classifyPatch([{ path: "qa/a.lua", status: "modified" }], config).existingTestPaths, [
    "qa/a.lua",
  ]);
  assert.deepEqual(classifyPatch([{ path: "how/a.js", status: "modified" }], config).guardPaths, [
    "how/a.js",
  ]);
  assert.equal(isTestPath("qa/a.lua"), false);
});

test("the configuration takes back only what a folder's name made a test or a script", () => {
  const config = parseCheckConfig(`{"version":1,"source_paths":["**"],"test_paths":["spec/real/**"]}`);
  for (const path of ["spec/api.md", "testdata/x"]) assert.equal(isTestPath(path, config), false, path);
  assert.equal(isCheckConfigPath("scripts/build.ts", config), false);
  for (const path of ["src/a.test.ts", "tests/test_a.py", "pkg/a_test.go", "spec/real/a"]) {
    assert.equal(isTestPath(path, config), true, path);
  }
  for (const path of [
    ".openagents/config.json",
    ".npmrc",
    "tests/conftest.py",
    "vitest.config.ts",
    "node_modules/x/y.js",
    "package.json",
  ]) {
    assert.equal(isCheckConfigPath(path, config), true, path);
  }
});

test("what the check starts is its configuration, whatever the table or the repository calls it", () => {
  const config = parseCheckConfig(`{"version":1,"source_paths":["tools/**"]}`);
  const started = ["bin/all", "src/run.js", "tests/all.py", "tools/check.py"];
  for (const path of started) {
    for (const status of ["modified", "deleted"] as const) {
      const { checkConfigPaths, guardPaths, sourcePaths } = classifyPatch(
        [{ path, status }],
        config,
        started,
      );
      assert.deepEqual([checkConfigPaths, guardPaths, sourcePaths], [[path], [path], []], path);
    }
    const renamed = classifyPatch([{ path: "src/b.js", oldPath: path, status: "renamed" }], config, started);
    assert.deepEqual([renamed.checkConfigPaths, renamed.guardPaths], [["src/b.js"], [path]], path);
  }
  const other = classifyPatch([{ path: "src/other.js", status: "modified" }], config, started);
  assert.deepEqual([other.checkConfigPaths, other.sourcePaths], [[], ["src/other.js"]]);
  const alone = classifyPatch([{ path: "tools/check.py", status: "modified" }], config);
  assert.deepEqual(alone.sourcePaths, ["tools/check.py"]);
});

test("a new file that would be found in place of what the check starts is looked at", () => {
  const configOf = (path: string, started: string) =>
    classifyPatch([{ path, status: "added" }], undefined, [started]).checkConfigPaths;
  for (const [path, started] of [
    ["tools/run", "tools/run.js"],
    ["tools/check/__init__.py", "tools/check.py"],
    ["tools/check/__main__.py", "tools/check.py"],
    ["tools.js", "tools/index.js"],
    ["tools/run.cjs", "tools/run.mjs"],
    ["qa/zz.sh", "qa/steps.sh"],
    ["qa/zz", "qa/steps"],
    ["verify", "Makefile"],
    ["out/t", "Makefile"],
    ["sub/out/a.o", "sub/Makefile"],
  ] as const) {
    assert.deepEqual(configOf(path, started), [path], `${path} before ${started}`);
    assert.deepEqual(classifyPatch([{ path, status: "modified" }], undefined, [started]).guardPaths, []);
  }
  for (const [path, started] of [
    ["tools/runner.js", "tools/run.js"],
    ["src/a.c", "Makefile"],
    ["LICENSE", "Makefile"],
    ["qa/more/zz.sh", "qa/steps.sh"],
    ["LICENSE", "run"],
    ["out/t", "sub/Makefile"],
    ["run.js", "tools/run.js"],
  ] as const) {
    assert.deepEqual(configOf(path, started), [], `${path} beside ${started}`);
  }
});
