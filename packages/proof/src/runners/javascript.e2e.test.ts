// Vitest and Jest are not among our dependencies: they are installed once for this
// file, at exact versions, and the tests say so when that is not possible.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { outcomes, runProject } from "./run-project.ts";

const VERSIONS = ["vitest@4.1.4", "jest@30.2.0"];
const INSTALL_MS_MAX = 120_000;

const path = `${dirname(process.execPath)}:${process.env["PATH"]}`;
const installed = mkdtempSync(join(tmpdir(), "openagents-proof-npm-"));
after(() => rmSync(installed, { recursive: true, force: true }));
const skip = install();

function install(): string | false {
  writeFileSync(join(installed, "package.json"), `{"private":true}`);
  const { status } = spawnSync("npm", ["install", "--no-save", "--no-audit", "--no-fund", ...VERSIONS], {
    cwd: installed,
    env: { ...process.env, PATH: path },
    stdio: "ignore",
    timeout: INSTALL_MS_MAX,
  });
  return status === 0 ? false : `npm cannot install ${VERSIONS.join(" and ")} here`;
}

const RUNNERS = {
  vitest: {
    command: "vitest run",
    head: `import { describe, it, test, expect } from "vitest";`,
    missing: `import "./missing.js";`,
    fails: "test.fails",
  },
  jest: { command: "jest", head: "", missing: `require("./missing.js");`, fails: "test.failing" },
} as const;

type Runner = keyof typeof RUNNERS;

function run(
  runner: Runner,
  files: Readonly<Record<string, string>>,
  script: string = RUNNERS[runner].command,
) {
  return runProject(runner, {
    files: { "package.json": JSON.stringify({ scripts: { test: script } }), ...files },
    links: { node_modules: join(installed, "node_modules") },
    command: "npm test",
    env: { PATH: path },
  });
}

for (const runner of ["vitest", "jest"] as const) {
  const { command, head, missing, fails } = RUNNERS[runner];

  test(`${runner} reports every kind of outcome by file, suites and name`, { skip }, () => {
    const ran = run(runner, {
      "a.test.js": `${head}
        test("passes", () => {});
        test("fails", () => { expect(1).toBe(2); });
        test.skip("is skipped", () => {});
        test.todo("is to do");
        ${fails}("is expected to fail", () => { expect(1).toBe(2); });
        describe("suite", () => {
          describe("nested", () => { it("deep", () => {}); });
          it.each([1, 2])("with %i", () => {});
        });
        for (const _ of [1, 2]) test("twice", () => {});`,
      "b.test.js": missing,
    });
    assert.equal(ran.exitCode, 1);
    assert.equal(ran.report.complete, true, ran.output);
    assert.deepEqual(outcomes(ran), {
      "a.test.js > passes": "passed",
      "a.test.js > fails": "failed",
      "a.test.js > is skipped": "skipped",
      "a.test.js > is to do": "skipped",
      "a.test.js > is expected to fail": "passed",
      "a.test.js > suite > nested > deep": "passed",
      "a.test.js > suite > with 1": "passed",
      "a.test.js > suite > with 2": "passed",
      "a.test.js > twice": "passed",
      "a.test.js > twice (2)": "passed",
    });
    assert.deepEqual(ran.report.errors, ["b.test.js"]);
  });

  test(`${runner} is reported with arguments of the project's own`, { skip }, () => {
    const option = runner === "jest" ? "--reporters=default" : "--reporter=verbose";
    for (const script of [
      `${command} a.test`,
      `${command} ${option} --coverage=false`,
      `${command} -- a.test`,
    ]) {
      const ran = run(runner, { "a.test.js": `${head} test("passes", () => {});` }, script);
      assert.equal(ran.exitCode, 0, `${script}: ${ran.output}`);
      assert.deepEqual(outcomes(ran), { "a.test.js > passes": "passed" }, script);
      assert.equal(ran.report.complete, true, script);
    }
  });

  test(`${runner} whose tests exit early proves nothing`, { skip }, () => {
    const printed = JSON.stringify(
      `{"start":"${runner}"}\n{"test":["a.test.js","fixed"],"outcome":"passed"}\n{"end":1}\n`,
    );
    for (const code of [
      `process.exit(0); test("one", () => {});`,
      `test("one", () => {}); test("two", () => { process.exit(0); }); test("three", () => {});`,
      `process.stdout.write(${printed}); process.stderr.write(${printed}); process.exit(0);`,
    ]) {
      const { report } = run(runner, { "a.test.js": `${head} ${code}` });
      const whole =
        report.complete &&
        (report.errors ?? []).length === 0 &&
        [...report.tests.values()].every((one) => one === "passed");
      assert.equal(whole, false, code);
      assert.equal(report.tests.has("a.test.js > fixed"), false);
    }
  });

  test(`what a test of ${runner} does to the report folder spoils the report`, { skip }, () => {
    const load = runner === "vitest" ? "process.getBuiltinModule" : "require";
    const attack = (code: string) =>
      run(runner, {
        "a.test.js": `${head}
          test("one", () => {
            const fs = ${load}("node:fs");
            const folder = process.env.OPENAGENTS_REPORT_FOLDER;
            ${code}
          });`,
      });
    for (const code of [
      `fs.writeFileSync(folder + "/junk", "");`,
      "fs.rmSync(folder, { recursive: true });",
    ]) {
      const ran = attack(code);
      assert.equal(ran.exitCode, 0, ran.output);
      assert.equal(ran.report.complete, false, code);
    }
  });
}
