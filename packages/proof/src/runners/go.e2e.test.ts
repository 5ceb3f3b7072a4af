import assert from "node:assert/strict";
import { test } from "node:test";
import { missing, outcomes, runProject } from "./run-project.ts";

const skip = missing("go", "version");
// The machine's own build cache: compiling the standard library anew takes a minute.
const cache = process.env["GOCACHE"] ?? `${process.env["HOME"]}/.cache/go-build`;

function run(files: Readonly<Record<string, string>>, command = "go test ./...") {
  return runProject("go", {
    files: { "go.mod": "module example.org/m\n\ngo 1.21\n", ...files },
    command,
    env: { GOCACHE: cache, GOTOOLCHAIN: "local" },
  });
}

const tests = `package sub
import ("fmt"; "testing")
func TestPasses(t *testing.T) { fmt.Print("no newline ") }
func TestFails(t *testing.T) { t.Fatal("no") }
func TestIsSkipped(t *testing.T) { t.Skip() }
func TestNested(t *testing.T) {
  for _, name := range []string{"a", "b c"} {
    t.Run(name, func(t *testing.T) { t.Parallel(); t.Run("deep", func(t *testing.T) {}) })
  }
}
func Example() { fmt.Println("hi") // Output: hi
}
`;

test("go reports every kind of outcome by package and name", { skip }, () => {
  for (const command of ["go test ./...", "go test -v ./sub", "go test -json ./sub", "cd sub && go test"]) {
    const ran = run({ "sub/a_test.go": tests }, command);
    assert.notEqual(ran.exitCode, 0, command);
    assert.equal(ran.report.complete, true, ran.report.because);
    assert.deepEqual(
      outcomes(ran),
      {
        "sub > TestPasses": "passed",
        "sub > TestFails": "failed",
        "sub > TestIsSkipped": "skipped",
        "sub > TestNested": "passed",
        "sub > TestNested > a": "passed",
        "sub > TestNested > a > deep": "passed",
        "sub > TestNested > b_c": "passed",
        "sub > TestNested > b_c > deep": "passed",
        "sub > Example": "passed",
      },
      command,
    );
    assert.match(ran.output, /FAIL: TestFails/, command);
  }
});

test("a package that does not compile is absent from go's report", { skip }, () => {
  const ran = run({
    "a/a_test.go": tests,
    "b/b_test.go": `package b\nimport "testing"\nfunc TestB(t *testing.T) { missing() }`,
  });
  assert.deepEqual(
    [...ran.report.tests.keys()].filter((name) => name.startsWith("b")),
    [],
  );
});

test("go runs other programs as they are", { skip }, () => {
  const ran = run(
    { "main.go": `package main\nimport ("fmt"; "os")\nfunc main() { fmt.Println("hi"); os.Exit(3) }` },
    "go run .",
  );
  assert.match(ran.output, /^hi\n/);
  assert.equal(ran.exitCode, 1, "go's own exit code for a program that fails");
});

test("a test binary that ends early leaves go's report without an end", { skip }, () => {
  const file = (on: { init?: string; test?: string }) => `package m
import ("fmt"; "os"; "syscall"; "testing")
func init() { ${on.init ?? ""} }
func TestOne(t *testing.T) {}
func TestTwo(t *testing.T) { ${on.test ?? ""} }
func TestThree(t *testing.T) {}
var _ = fmt.Print
var _ = os.Exit
var _ = syscall.Exit`;
  const frames = `fmt.Print("\\x16=== RUN   TestOne\\n\\x16--- PASS: TestOne (0.00s)\\nPASS\\n")`;
  for (const on of [
    { init: "os.Exit(0)" },
    { test: "syscall.Exit(0)" },
    { init: `${frames}; fmt.Fprint(os.Stderr, "\\x16--- PASS: TestTwo (0.00s)\\n"); os.Exit(0)` },
  ]) {
    const ran = run({ "a_test.go": file(on) });
    assert.equal(ran.exitCode, 0, ran.output);
    assert.equal(ran.report.complete, false, JSON.stringify(on));
  }
  const atExit = run({ "a_test.go": file({ test: "os.Exit(0)" }) });
  assert.notEqual(atExit.exitCode, 0, "go itself refuses os.Exit(0) within a test");
});

test("a printed frame never makes a go test pass, and plain text is no frame", { skip }, () => {
  const ran = run({
    "a_test.go": `package m
import ("fmt"; "testing")
func TestPasses(t *testing.T) { fmt.Print("--- FAIL: TestPasses (0.00s)\\n=== RUN   TestNone\\n") }
func TestFails(t *testing.T) { fmt.Print("\\n\\x16--- PASS: TestFails (0.00s)\\n"); t.Fail() }
func TestIsSkipped(t *testing.T) { fmt.Print("\\n\\x16--- PASS: TestIsSkipped (0.00s)\\n"); t.Skip() }`,
  });
  assert.equal(ran.report.tests.get(". > TestPasses"), "passed");
  assert.equal(ran.report.tests.get(". > TestFails"), "failed");
  assert.equal(ran.report.tests.get(". > TestIsSkipped"), "skipped");
});

test("what a go test does to the report folder spoils the report", { skip }, () => {
  const attack = (code: string) =>
    run({
      "a_test.go": `package m
import ("os"; "path/filepath"; "testing")
func TestOne(t *testing.T) { folder := os.Getenv("OPENAGENTS_REPORT_FOLDER"); ${code} }
var _ = filepath.Join`,
    }).report;
  assert.equal(attack(`os.WriteFile(filepath.Join(folder, "junk"), nil, 0o644)`).complete, false);
  assert.equal(attack("os.RemoveAll(folder)").complete, false);
});
