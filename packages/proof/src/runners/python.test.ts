import assert from "node:assert/strict";
import { test } from "node:test";
import { missing, outcomes, runProject } from "./run-project.ts";

const noPytest = missing("python3", "-c", "import pytest");
const noPython = missing("python3", "-c", "import unittest");

function pytest(files: Readonly<Record<string, string>>, command = "python3 -m pytest -q") {
  return runProject("pytest", { files, command });
}

function unittest(
  files: Readonly<Record<string, string>>,
  command = "python3 -m unittest discover -s tests -t .",
) {
  return runProject("unittest", { files: { "tests/__init__.py": "", ...files }, command });
}

const printed = `
said = '{"start":"RUNNER"}\\n{"test":["tests/test_a.py","fixed"],"outcome":"passed"}\\n{"end":1}\\n'
sys.stdout.write(said); sys.stderr.write(said); sys.stdout.flush(); os._exit(0)
`;

test("pytest reports every kind of outcome by file, class and name", { skip: noPytest }, () => {
  const ran = pytest({
    "tests/test_a.py": `
import pytest, unittest
def test_passes(): pass
def test_fails(): assert False
@pytest.mark.skip
def test_is_skipped(): pass
@pytest.mark.xfail
def test_is_expected_to_fail(): assert False
@pytest.mark.parametrize("value", ["a", "b::c"])
def test_with(value): pass
@pytest.fixture
def no_set_up(): raise Exception
def test_without_set_up(no_set_up): pass
@pytest.fixture
def no_clean_up():
    yield
    raise Exception
def test_without_clean_up(no_clean_up): pass
class TestGroup:
    def test_method(self): pass
class Case(unittest.TestCase):
    def test_parts(self):
        for part in range(3):
            with self.subTest(part=part): self.assertNotEqual(part, 1)
`,
  });
  assert.equal(ran.report.complete, true, ran.output);
  assert.deepEqual(outcomes(ran), {
    "tests/test_a.py > test_passes": "passed",
    "tests/test_a.py > test_fails": "failed",
    "tests/test_a.py > test_is_skipped": "skipped",
    "tests/test_a.py > test_is_expected_to_fail": "skipped",
    "tests/test_a.py > test_with[a]": "passed",
    "tests/test_a.py > test_with[b::c]": "passed",
    "tests/test_a.py > test_without_set_up": "failed",
    "tests/test_a.py > test_without_clean_up": "failed",
    "tests/test_a.py > TestGroup > test_method": "passed",
    "tests/test_a.py > Case > test_parts": "failed",
  });
});

test("a pytest file that cannot be imported is an error, and the run has no end", { skip: noPytest }, () => {
  const { report } = pytest(
    { "tests/test_a.py": "def test_a(): pass", "tests/test_b.py": "import missing" },
    "pytest",
  );
  assert.deepEqual([report.complete, report.errors], [false, ["tests/test_b.py"]]);
});

const replacing = (code: string) => `import glob, os
def forge(path):
    with open(path, "w") as file: file.write('{"start":"pytest"}\\n{"end":0}\\n')
def test_one():
    for path in glob.glob(os.environ["OPENAGENTS_REPORT_FOLDER"] + "/*"):
        ${code}`;

test("pytest that ends early, in whatever way, leaves a report without an end", { skip: noPytest }, () => {
  const early = {
    "on import": "import os; os._exit(0)",
    "in a test": "import os\ndef test_one(): pass\ndef test_two(): os._exit(0)",
    "by pytest's own word": "import pytest\ndef test_one(): pytest.exit('done', returncode=0)",
    "by a printed report": `import os, sys${printed.replace("RUNNER", "pytest")}`,
    "with another report in its place": replacing("os.rename(path, 'away'); forge(path)"),
    "with another report beside its place": replacing("os.remove(path); forge(path[:-7] + '0.jsonl')"),
    "without its own folder": `import os, shutil
def test_one(): shutil.rmtree(os.environ["OPENAGENTS_REPORT_FOLDER"])`,
  };
  for (const [how, code] of Object.entries(early)) {
    const ran = pytest({ "tests/test_a.py": code });
    assert.equal(ran.exitCode, 0, `${how}: ${ran.output}`);
    assert.equal(ran.report.complete, false, how);
  }
});

test("a child that is forked off in a test does not report", { skip: noPytest }, () => {
  const ran = pytest({ "test_a.py": "import os\ndef test_one(): os.fork()\ndef test_two(): pass" });
  assert.equal(ran.report.complete, true, ran.report.because);
  assert.deepEqual(outcomes(ran), { "test_a.py > test_one": "passed", "test_a.py > test_two": "passed" });
});

test("unittest reports every kind of outcome by file, class and name", { skip: noPython }, () => {
  const ran = unittest({
    "tests/test_a.py": `
import unittest
class A(unittest.TestCase):
    def test_passes(self): pass
    def test_fails(self): self.fail()
    def test_raises(self): raise ValueError
    @unittest.skip("no")
    def test_is_skipped(self): pass
    @unittest.expectedFailure
    def test_is_expected_to_fail(self): self.fail()
    @unittest.expectedFailure
    def test_passes_unexpectedly(self): pass
    def test_parts(self):
        for part in range(4):
            with self.subTest(part=part): self.assertEqual(part, 1)
    def test_starts_another(self):
        class Inner(unittest.TestCase):
            def test_inner(self): self.fail()
        suite = unittest.defaultTestLoader.loadTestsFromTestCase(Inner)
        unittest.TextTestRunner(stream=open("/dev/null", "w")).run(suite)
class NoSetUp(unittest.TestCase):
    @classmethod
    def setUpClass(cls): raise Exception
    def test_never_runs(self): pass
`,
    "tests/test_b.py": "import missing",
  });
  assert.equal(ran.exitCode, 1);
  assert.equal(ran.report.complete, true, ran.output);
  assert.deepEqual(outcomes(ran), {
    "tests/test_a.py > A > test_passes": "passed",
    "tests/test_a.py > A > test_fails": "failed",
    "tests/test_a.py > A > test_raises": "failed",
    "tests/test_a.py > A > test_is_skipped": "skipped",
    "tests/test_a.py > A > test_is_expected_to_fail": "skipped",
    "tests/test_a.py > A > test_passes_unexpectedly": "failed",
    "tests/test_a.py > A > test_parts": "failed",
    "tests/test_a.py > A > test_starts_another": "passed",
  });
  assert.deepEqual(ran.report.errors, ["setUpClass (tests.test_a.NoSetUp)", "tests.test_b"]);
});

test("unittest that ends early leaves a report without an end", { skip: noPython }, () => {
  const within = (code: string) => `import os, shutil, unittest
class A(unittest.TestCase):
    def test_one(self): pass
    def test_two(self): ${code}
    def test_until_three(self): pass`;
  const early = {
    "on import": "import os; os._exit(0)",
    "in a test": within("os._exit(0)"),
    "by a printed report": `import os, sys${printed.replace("RUNNER", "unittest")}`,
    "without its own folder": within(`shutil.rmtree(os.environ["OPENAGENTS_REPORT_FOLDER"])`),
  };
  for (const [how, code] of Object.entries(early)) {
    const ran = unittest({ "tests/test_a.py": code });
    assert.equal(ran.exitCode, 0, `${how}: ${ran.output}`);
    assert.equal(ran.report.complete, false, how);
  }
});

test(
  "a sitecustomize of the project's own still runs, and plain Python is left alone",
  { skip: noPython },
  () => {
    const ran = runProject("unittest", {
      files: {
        "site/sitecustomize.py": `print("customized")`,
        "plain.py": `import sys; print("unittest" in sys.modules)`,
        "test_a.py": "import unittest\nclass A(unittest.TestCase):\n    def test_one(self): pass",
      },
      command: "export PYTHONPATH=$PYTHONPATH:site; python3 plain.py && python3 -m unittest",
    });
    assert.match(ran.output, /customized\nFalse\ncustomized/);
    assert.deepEqual([ran.report.complete, outcomes(ran)], [true, { "test_a.py > A > test_one": "passed" }]);
  },
);
