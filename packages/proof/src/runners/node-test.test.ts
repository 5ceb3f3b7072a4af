import assert from "node:assert/strict";
import { dirname } from "node:path";
import { test } from "node:test";
import { outcomes, runProject } from "./run-project.ts";

const env = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin` };
const command = "node --test";

function run(files: Readonly<Record<string, string>>, withCommand = command) {
  return runProject("node_test", { files, command: withCommand, env });
}

const imports = `import { describe, it, test } from "node:test"; import assert from "node:assert";\n`;

test("node:test reports every kind of outcome by file, suites and name", () => {
  const ran = run({
    "test/a.test.mjs": `${imports}
      test("passes", () => {});
      test("fails", () => assert.fail("no"));
      test.skip("is skipped", () => {});
      test("is to do", { todo: true }, () => assert.fail("not yet"));
      describe("suite", () => { describe("nested", () => { it("deep", (t) => t.test("sub", () => {})); }); });
      describe("broken suite", () => { it("never runs", () => {}); throw new Error("no"); });
      for (const _ of [1, 2]) test("twice", () => {});`,
    "test/b.test.mjs": `import "./missing.mjs";`,
    "test/not-a-test.mjs": "",
  });
  assert.equal(ran.exitCode, 1);
  assert.equal(ran.report.complete, true, ran.output);
  assert.deepEqual(outcomes(ran), {
    "test/a.test.mjs > passes": "passed",
    "test/a.test.mjs > fails": "failed",
    "test/a.test.mjs > is skipped": "skipped",
    "test/a.test.mjs > is to do": "skipped",
    "test/a.test.mjs > suite > nested > deep > sub": "passed",
    "test/a.test.mjs > suite > nested > deep": "passed",
    "test/a.test.mjs > broken suite > never runs": "failed",
    "test/a.test.mjs > twice": "passed",
    "test/a.test.mjs > twice (2)": "passed",
  });
  assert.deepEqual(ran.report.errors, ["test/a.test.mjs > broken suite", "test/b.test.mjs"]);
});

test("node:test is reported through `npm test`, with the output for people as it was", () => {
  const ran = run(
    {
      "package.json": `{"scripts":{"test":"node --test"}}`,
      "a.test.mjs": `${imports} test("passes", () => {});`,
    },
    "npm test",
  );
  assert.equal(ran.exitCode, 0, ran.output);
  assert.match(ran.output, /✔ passes/);
  assert.deepEqual([ran.report.complete, outcomes(ran)], [true, { "a.test.mjs > passes": "passed" }]);
});

test("a test that another module defines is named by that module, within the suite that calls it", () => {
  const ran = run({
    "shared.mjs": `${imports} export function shared() { it("is shared", () => {}); }`,
    "a.test.mjs": `import { shared } from "./shared.mjs"; ${imports} describe("suite", () => { shared(); });`,
  });
  assert.equal(ran.report.complete, true, ran.report.because);
  assert.deepEqual(outcomes(ran), { "shared.mjs > suite > is shared": "passed" });
});

test("a module that exits early shows no test of the files that import it", () => {
  const ran = run({
    "fix.mjs": "process.exit(0);",
    "test/a.test.mjs": `import "../fix.mjs"; ${imports} test("one", () => {});`,
    "test/b.test.mjs": `${imports} test("one", () => {}); test("two", () => process.exit(0)); test("three", () => {});`,
    "test/c.test.mjs": `${imports} test("stays", () => {});`,
  });
  assert.equal(ran.exitCode, 0, "the exit code alone would say that all passed");
  assert.equal(ran.report.tests.has("test/a.test.mjs > one"), false);
  assert.equal(ran.report.tests.has("test/b.test.mjs > three"), false);
  assert.equal(ran.report.tests.get("test/c.test.mjs > stays"), "passed");
});

test("an early exit of a test file that is run by itself leaves the report without an end", () => {
  const ran = run(
    { "a.mjs": `${imports} test("one", () => {}); test("two", () => process.exit(0));` },
    "node a.mjs",
  );
  assert.equal(ran.exitCode, 0);
  assert.equal(ran.report.complete, false);
});

test("a report that a test prints counts for nothing", () => {
  const report = `{"start":"node_test"}\n{"test":["a.test.mjs","fixed"],"outcome":"passed"}\n{"end":1}\n`;
  const said = JSON.stringify(`${report}TAP version 13\nok 1 - fixed\n✔ fixed\n`);
  const ran = run({
    "a.test.mjs": `process.stdout.write(${said}); process.stderr.write(${said}); process.exit(0);`,
  });
  assert.equal(ran.exitCode, 0);
  assert.equal(ran.report.tests.size, 0);
});

test("Node's own binary frames, printed before an early exit, are an error of the file", () => {
  const ran = run({
    "a.test.mjs": `import { writeSync } from "node:fs"; import { serialize } from "node:v8";
      const frame = (type, details) => {
        const data = { name: "fixed", nesting: 0, file: import.meta.filename, testNumber: 1, line: 1, column: 1, details };
        const body = serialize({ type, data });
        const size = Buffer.alloc(4);
        size.writeUInt32BE(body.length);
        return Buffer.concat([body.subarray(0, 2), size, body]);
      };
      writeSync(1, Buffer.concat([frame("test:start", {}), frame("test:pass", { duration_ms: 1 })]));
      process.exit(0);`,
  });
  assert.equal(ran.exitCode, 0, ran.output);
  assert.deepEqual(outcomes(ran), { "a.test.mjs > fixed": "passed" }, "Node believes them");
  assert.deepEqual(ran.report.errors, ["a.test.mjs"], "but nothing says that the file came to its end");
});

test("what a test does to the report folder spoils the report", () => {
  const attack = (code: string) =>
    run({
      "a.test.mjs": `${imports} import fs from "node:fs"; import path from "node:path";
        const folder = process.env.OPENAGENTS_REPORT_FOLDER;
        test("fails", () => { ${code} assert.fail("no"); });`,
    }).report;
  const forged = `'{"start":"node_test"}\\n{"test":["a.test.mjs","fails"],"outcome":"passed"}\\n{"end":1}\\n'`;
  const each = "for (const name of fs.readdirSync(folder).map((one) => path.join(folder, one)))";
  assert.match(attack(`fs.writeFileSync(path.join(folder, "junk"), "x");`).because ?? "", /holds "junk"/);
  assert.equal(attack("fs.rmSync(folder, { recursive: true });").complete, false);
  assert.equal(attack(`${each} { fs.rmSync(name); fs.writeFileSync(name, ${forged}); }`).complete, false);
  assert.equal(
    attack(`${each} { fs.rmSync(name); fs.writeFileSync(name.replace(/.{8}[.]/, "00000000."), ${forged}); }`)
      .complete,
    false,
  );
  const away = `fs.renameSync(name, path.join(folder, "..", "away")); fs.writeFileSync(name, ${forged});`;
  assert.equal(attack(`${each} { ${away} }`).complete, false);

  const overwritten = attack(`${each} { fs.chmodSync(name, 0o600); fs.writeFileSync(name, ${forged}); }`);
  assert.equal(
    overwritten.tests.get("a.test.mjs > fails"),
    "failed",
    "the runner's process has the last word",
  );
  const added = attack(
    `fs.writeFileSync(path.join(folder, "node_test-" + "0".repeat(32) + ".jsonl"), ${forged});`,
  );
  assert.equal(added.tests.get("a.test.mjs > fails"), "failed", "of two words the worse one counts");
});

test("a runner that a test starts is part of that test", () => {
  const ran = run({
    "a.test.mjs": `${imports} import { spawnSync } from "node:child_process";
      test("starts another", () => {
        const { NODE_TEST_CONTEXT: _, ...env } = process.env;
        spawnSync(process.execPath, ["--test", "inner.mjs"], { env });
      });`,
    "inner.mjs": `${imports} test("inner", () => assert.fail("on purpose"));`,
  });
  assert.deepEqual([ran.report.complete, outcomes(ran)], [true, { "a.test.mjs > starts another": "passed" }]);
});
