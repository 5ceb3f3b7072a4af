import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { conflictsWithReporter, instrument, packReport, readReport, type TestRunner } from "./index.ts";

const runners: readonly TestRunner[] = ["node_test", "vitest", "jest", "pytest", "unittest", "go", "cargo"];
const name = (runner: string, digit = "0") => `${runner}-${digit.repeat(32)}.jsonl`;

function read(lines: readonly string[], file = name("pytest")) {
  return readReport(
    "pytest",
    packReport(new Map([[file, Buffer.from(lines.map((line) => `${line}\n`).join(""))]])),
  );
}

const start = `{"start":"pytest"}`;
const passed = `{"test":["a.py","test_a"],"outcome":"passed"}`;
const failed = `{"test":["a.py","test_a"],"outcome":"failed"}`;

test("a report is packed to the same bytes whatever the order of its files", () => {
  const files = [
    ["b", Buffer.from("two\n")],
    ["a", Buffer.from([0, 255, 10])],
  ] as const;
  assert.deepEqual(packReport(new Map(files)), packReport(new Map(files.toReversed())));
});

test("bytes that are no report are an incomplete report, never an error", () => {
  fc.assert(
    fc.property(fc.constantFrom(...runners), fc.uint8Array({ maxLength: 300 }), (runner, bytes) => {
      assert.equal(readReport(runner, Buffer.from(bytes)).complete, false);
      const packed = packReport(new Map([[name(runner), Buffer.from(bytes)]]));
      assert.equal(readReport(runner, packed).complete, false);
      assert.equal(readReport(runner, packed.subarray(0, packed.length - 1)).complete, false);
    }),
  );
  for (const runner of runners)
    assert.equal(readReport(runner, packReport(new Map())).complete, false, runner);
});

test("a report is complete from its start to its end mark, with all records between", () => {
  assert.equal(read([start, passed, `{"end":1}`]).complete, true);
  const broken: Readonly<Record<string, readonly string[]>> = {
    "no end": [start, passed],
    "no start": [passed, `{"end":1}`],
    "another runner's": [`{"start":"jest"}`, passed, `{"end":1}`],
    "a lost record": [start, passed, `{"end":2}`],
    "more after the end": [start, `{"end":0}`, passed],
    "two ends": [start, `{"end":0}`, `{"end":0}`],
    "a second start": [start, start, `{"end":0}`],
    "an unknown outcome": [start, `{"test":["a"],"outcome":"ok"}`, `{"end":1}`],
    "a name that is no text": [start, `{"test":[1],"outcome":"passed"}`, `{"end":1}`],
    "an empty name": [start, `{"test":[],"outcome":"passed"}`, `{"end":1}`],
    "no JSON": [start, "passed", `{"end":1}`],
  };
  for (const [how, lines] of Object.entries(broken)) assert.equal(read(lines).complete, false, how);
  assert.match(read([start, `{"end":0}`], "../x.jsonl").because ?? "", /did not write/);
  assert.match(read([start, `{"end":0}`], "pytest-mine.jsonl").because ?? "", /did not write/);
  assert.match(read([start, `{"end":0}`], name("jest")).because ?? "", /did not write/);
});

test("of several outcomes for one name the worst counts, each time", () => {
  const { tests } = read([start, passed, failed, passed, `{"end":3}`]);
  assert.deepEqual(
    [...tests],
    [
      ["a.py > test_a", "failed"],
      ["a.py > test_a (2)", "failed"],
      ["a.py > test_a (3)", "failed"],
    ],
  );
});

test("a test that is called by another one's number keeps its own failure", () => {
  const numbered = `{"test":["a.py","test_a (2)"],"outcome":"failed"}`;
  for (const records of [
    [passed, passed, numbered],
    [numbered, passed, passed],
  ]) {
    assert.equal(read([start, ...records, `{"end":3}`]).tests.get("a.py > test_a (2)"), "failed");
  }
});

test("a report that has tests in a file is contradicted by one that ran the file and saw none", () => {
  const ran = (lines: readonly string[], digit: string) =>
    [name("pytest", digit), Buffer.from(lines.map((line) => `${line}\n`).join(""))] as const;
  const empty = `{"empty":["a.py"]}`;
  const forged = ran([start, passed, `{"end":1}`], "1");
  const contradicted = readReport(
    "pytest",
    packReport(new Map([ran([start, empty, `{"end":1}`], "0"), forged])),
  );
  assert.deepEqual(
    [contradicted.complete, contradicted.because],
    [false, "a.py is reported with tests and without any"],
  );
  const other = readReport(
    "pytest",
    packReport(new Map([ran([start, `{"empty":["b.py"]}`, `{"end":1}`], "0"), forged])),
  );
  assert.equal(other.complete, true);
});

test("one run without an end makes the whole report incomplete", () => {
  const files = new Map([
    [name("pytest", "0"), Buffer.from(`${start}\n${passed}\n{"end":1}\n`)],
    [name("pytest", "1"), Buffer.from(`${start}\n`)],
  ]);
  const report = readReport("pytest", packReport(files));
  assert.deepEqual([report.complete, report.tests.size], [false, 1]);
});

test("every runner is switched on by environment and by files of ours alone", () => {
  for (const runner of runners) {
    const { env, files } = instrument(runner);
    assert.equal(env["OPENAGENTS_REPORT_FOLDER"], "/tmp/openagents-report");
    for (const [file, text] of Object.entries(files)) assert.ok(text.length > 100, `${runner}: ${file}`);
    assert.ok(
      Object.values(env).some((value) => value.includes("openagents")),
      runner,
    );
  }
});

test("scripts that would turn the reporter off are told", () => {
  const table: readonly (readonly [TestRunner, string, boolean])[] = [
    ["node_test", "node --test", false],
    ["node_test", "node --test --test-reporter=dot", true],
    ["node_test", "node --test --test-isolation=none", true],
    ["node_test", "NODE_OPTIONS=--no-warnings node --test", true],
    ["vitest", "vitest run --reporter=verbose", false],
    ["jest", "NODE_OPTIONS=--experimental-vm-modules jest", true],
    ["pytest", "PYTHONPATH=src pytest", true],
    ["pytest", "python -m pytest -q", false],
    ["pytest", "python -I -m pytest", true],
    ["pytest", "tox -e py311", true],
    ["unittest", "python3 -m unittest", false],
    ["unittest", "python3 -S -m unittest", true],
    ["go", "go test -v -race ./...", false],
    ["go", "go test -exec sudo ./...", true],
    ["go", "go test -memprofile x", true],
    ["cargo", "cargo test --all", false],
    ["cargo", "cargo nextest run", true],
  ];
  for (const [runner, script, expected] of table) {
    assert.equal(conflictsWithReporter(script, runner), expected, `${runner}: ${script}`);
  }
});
