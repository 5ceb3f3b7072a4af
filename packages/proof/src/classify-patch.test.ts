import assert from "node:assert/strict";
import { test } from "node:test";
import { isCheckConfigPath, isTestPath } from "./check-paths.ts";
import { classifyPatch } from "./classify-patch.ts";

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
  ];
  for (const path of config) assert.equal(isCheckConfigPath(path), true, path);
  for (const path of [
    "src/package.ts",
    "docs/scripts/a.sh",
    "src/.hidden",
    "scripts",
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
    checkConfigPaths: ["tests/conftest.py"],
    sourcePaths: ["src/a.ts"],
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
    checkConfigPaths: ["doc/make.txt"],
    sourcePaths: [],
  });
});
