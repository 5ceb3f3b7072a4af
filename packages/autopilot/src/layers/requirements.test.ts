import assert from "node:assert/strict";
import { test } from "node:test";
import { dependenciesOf, type ProjectTable } from "./pyproject.ts";
import { parseRequirements } from "./requirements.ts";

const parse = (text: string, others: Readonly<Record<string, string>> = {}) =>
  parseRequirements("requirements.txt", (path) => (path === "requirements.txt" ? text : others[path]));

test("names with versions, markers, extras and hashes are taken as they are", () => {
  const lines = [
    "pytest",
    "attrs==23.2.0",
    "requests[socks,use_chardet] >= 2.8.1, == 2.8.* ; python_version < '3.12'",
    "zope.interface (>=5.0)",
    "a~=1.0 --hash=sha256:0123abcd --hash=sha256:4567ef01",
    "--extra-index-url https://index.example/simple",
    "--pre",
    "tool @ https://files.example/tool-1.0-py3-none-any.whl",
  ];
  const found = parse(["# all", ...lines, "", "  "].join("\r\n"));
  assert.deepEqual([found.lines, found.building, found.unknown], [lines, [], []]);
  assert.deepEqual(parse("a==1 \\\n  --hash=sha256:ab # why\nb # not c").lines, [
    "a==1    --hash=sha256:ab",
    "b",
  ]);
});

test("what would be built, run, or read from this machine is told apart", () => {
  const building = [
    "git+https://code.example/x.git",
    "-e git+https://code.example/x.git#egg=x",
    "x @ git+https://code.example/x.git",
    "https://files.example/x-1.0.tar.gz",
    "x @ https://files.example/x.zip",
  ];
  assert.deepEqual(parse(building.join("\n")).building, building);
  const unknown = [
    "./vendored",
    "../outside",
    "/etc/x",
    "-e ./pkg",
    "-e pkg",
    "vendored/pkg",
    "file:///etc/x",
    "x @ file:///etc/x",
    "x @ ./local.whl",
    "--no-binary :all:",
    "--no-binary=x",
    "--only-binary=:none:",
    "x --config-settings=a=b",
    "x --install-option=--y",
    "x --global-option=--y",
    "--find-links /tmp",
    "--index-url http://plain.example/simple",
    "--index-url https://index.example/$HOME",
    "--trusted-host x",
    "--use-feature=x",
    "svn+ssh://x",
    "${NAME}",
    "a==1; b @ c",
    "-e .. ",
    ".[test] --x",
  ];
  const found = parse(unknown.join("\n"));
  assert.deepEqual(
    [found.unknown, found.lines, found.building],
    [unknown.map((line) => line.trim()), [], []],
  );
});

test("nothing can be smuggled in by an end of line that is Python's alone, a joined line, or an option further on", () => {
  const ends = ["\r", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\0"];
  for (const start of [
    "pytest==8",
    'pytest ; python_version > "3"',
    "a[b",
    "--index-url https://i.example",
    "# x",
  ]) {
    for (const end of ends) {
      for (const rest of [".", "--no-binary :all:", "-e ./x"]) {
        const { lines } = parse(start + end + rest);
        for (const line of lines)
          assert.doesNotMatch(line, /[\p{Cc}\u2028\u2029]/u, JSON.stringify(start + end + rest));
        assert.deepEqual(lines, [], JSON.stringify(start + end + rest));
        const project = table({ dependencies: [start + end + rest] });
        assert.throws(() => dependenciesOf(project, []), { code: "layer_unsupported" });
      }
    }
  }
  for (const line of [
    "a==1\\",
    "a==1 --config-settings x=y",
    "a==1 --no-binary :all:",
    "a==1 -e .",
    "a ; x -r y",
  ]) {
    assert.deepEqual(parse(line).lines, [], line);
    assert.throws(() => dependenciesOf(table({ dependencies: [line] }), []), { code: "layer_unsupported" });
  }
  assert.throws(() => dependenciesOf(table({ dependencies: ["a\n."] }), []), { code: "layer_unsupported" });
});

test("a line without end is not read", { timeout: 5_000 }, () => {
  assert.equal(parse(`${"a".repeat(3_000_000)}!`).unknown[0]?.length, 81);
});

test("included files are read once, beside the file that names them, and never above the repository", () => {
  const others = {
    "req/base.txt": "attrs\n-r ../more.txt\n-c pins.txt",
    "req/pins.txt": "attrs==23.2.0",
    "more.txt": "six\n-r req/base.txt",
    "etc/passwd": "reached",
  };
  const found = parse("-r req/base.txt\n-r ../../../etc/passwd\n--requirement=missing.txt", others);
  assert.deepEqual([found.lines, found.constraints], [["attrs", "six", "reached"], ["attrs==23.2.0"]]);
  assert.deepEqual(found.unknown, ["-r missing.txt (there is no such file)"]);
  const endless = parseRequirements("0", (path) => `-r ${Number(path) + 1}`);
  assert.equal(endless.unknown.length, 1);
});

test("the project itself is told with the extras that are asked of it", () => {
  assert.deepEqual(parse("-e .[test, docs]\n.").ownExtras, ["test", "docs"]);
  assert.equal(parse("a").ownExtras, undefined);
});

const table = (part: Partial<ProjectTable>): ProjectTable => ({
  name: "My.Project",
  dependencies: [],
  extras: {},
  groups: {},
  poetry: false,
  ...part,
});

test("what tests need counts: extras and groups, also by way of others, each once", () => {
  const found = dependenciesOf(
    table({
      dependencies: ["attrs>=22"],
      extras: {
        Dev: ["my_project[Test]", "ruff"],
        test: ["pytest", "my-project[dev]"],
        docs: ["sphinx"],
        fast: ["orjson"],
      },
      groups: {
        dev: [{ "include-group": "lint" }, "tox"],
        lint: ["mypy", { "include-group": "dev" }],
        other: ["x"],
      },
    }),
    ["fast"],
  );
  assert.deepEqual(found.sort(), ["attrs>=22", "mypy", "orjson", "pytest", "ruff", "tox"]);
});

test("an address in a pyproject.toml is refused", () => {
  for (const bad of ["x @ git+https://code.example/x", "x @ file:///etc", "./x", "x --y", ""]) {
    assert.throws(
      () => dependenciesOf(table({ dependencies: [bad] }), []),
      { code: "layer_unsupported" },
      bad,
    );
  }
});
