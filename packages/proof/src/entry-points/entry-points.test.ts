import assert from "node:assert/strict";
import { test } from "node:test";
import { entryPointsOf } from "./entry-points.ts";

function assertNames(text: string, paths: readonly string[]): void {
  const found = entryPointsOf(text);
  for (const path of paths) assert.ok(found.includes(path), `${text} names ${path}, not ${found.join(", ")}`);
}

test("a command that is a path, and the file that an interpreter starts, are entry points", () => {
  const rows: Readonly<Record<string, readonly string[]>> = {
    "./run-tests.sh": ["run-tests.sh"],
    "bin/test --all": ["bin/test"],
    "sh ci/run": ["ci/run"],
    "bash -euo pipefail ci/run.sh": ["ci/run.sh"],
    "bash --rcfile ci/rc -x run": ["ci/rc", "run"],
    ". ./env && source lib/x.sh": ["env", "lib/x.sh"],
    "sh < ci/run.txt": ["ci/run.txt"],
    "sh -c 'cd ci && ./run.sh'": ["ci/run.sh"],
    'bash -lc "node run.js"': ["run.js"],
    "eval 'node run.js'": ["run.js"],
    "node run.js": ["run.js"],
    "node run": ["run", "run.js", "run/index.js"],
    "node .": ["index.js"],
    "node --enable-source-maps tools/check.mjs src/a.js": ["tools/check.mjs"],
    "node --icu-data-dir ./icu run.js": ["run.js"],
    "node --import ./setup.js --test test/a.test.js": ["setup.js"],
    "node --import=./setup.mjs -r ./hook run.js": ["setup.mjs", "hook.js", "run.js"],
    "node -e \"require('./run.js')\"": ["run.js"],
    "deno run -A ci/check.ts": ["ci/check.ts"],
    "bun run ci/check.ts": ["ci/check.ts"],
    "bun check.ts": ["check.ts"],
    "tsx watch ci/check.ts": ["ci/check.ts"],
    "ts-node -P tsconfig.ci.json ci/check.ts": ["ci/check.ts"],
    "python3 tools/check.py src": ["tools/check.py"],
    "python -W error -u tools/check.py": ["tools/check.py"],
    "python3 -m pkg.mod --fast": ["pkg/mod.py", "pkg/mod/__main__.py"],
    "python3 -um pkg": ["pkg.py", "pkg/__main__.py"],
    "python3 tools": ["tools/__main__.py"],
    "python3 -m coverage run -m pkg.mod": ["pkg/mod.py"],
    "python3 -c 'import checks.all'": ["checks/all.py"],
    "ruby -Ilib ci/run.rb": ["ci/run.rb"],
    "perl ci/run.pl": ["ci/run.pl"],
    "php -d x=1 ci/run.php": ["ci/run.php"],
    "make -C sub -f ci/test.mk test": ["ci/test.mk"],
    "make test RUNNER=ci/run": ["ci/run"],
    "go run ./tools/check": ["tools/check/main.go"],
    "cargo run --bin check": ["src/bin/check.rs"],
    "awk -f ci/check.awk out": ["ci/check.awk"],
    "pytest -p ci.plugin tests": ["ci/plugin.py"],
    "jest --config ci/jest.js": ["ci/jest.js"],
  };
  for (const [text, paths] of Object.entries(rows)) assertNames(text, paths);
});

test("they are found wherever the shell would find the command", () => {
  const rows: Readonly<Record<string, readonly string[]>> = {
    "true && ./a; ./b || ./c | ./d & ./e\n./f": ["a", "b", "c", "d", "e", "f"],
    "X=1 Y='a b' ./run.sh": ["run.sh"],
    "env -i A=b ./run.sh": ["run.sh"],
    "timeout 10s bin/run": ["bin/run"],
    "nice -n 5 node run.js": ["run.js"],
    "npx c8 node run.js": ["run.js"],
    "some-tool --then node run.js": ["run.js"],
    'concurrently "node a.js" "node b.js"': ["a.js", "b.js"],
    "cd ci && ./run.sh": ["ci/run.sh"],
    "(cd ci; ./a.sh); ./b.sh": ["ci/a.sh", "b.sh"],
    "cd a/b && cd ../c && sh ./../run.sh": ["a/run.sh"],
    "cd .. && ./run.sh": ["../run.sh"],
    "if true; then ./a; else ! ./b; fi": ["a", "b"],
    "while ./a; do { ./b; }; done": ["a", "b"],
    'echo "$(./a)" `./b`': ["a", "b"],
    "f() { ./a; }; f": ["a"],
    "case $1 in x) ./a;; esac": ["a"],
    "./a > out.txt 2>&1 < ci/in": ["a"],
    "'./a b.sh'": ["a b.sh"],
    './"a"\\ b': ["a b"],
    "./a \\\n  && ./b": ["a", "b"],
    'DIR=ci; sh "$DIR/run" && sh ${OTHER:-ci}/other': ["ci/run", "ci/other"],
    'sh "$(dirname "$0")/lib.sh"': ["lib.sh"],
    '. "${BASH_SOURCE%/*}/lib.sh"': ["lib.sh"],
    'cd "$(dirname "$0")/.." && . "$(dirname "$0")/lib.sh" && ./b': ["lib.sh", "../b"],
    'RUN="node run.js"; $RUN': ["run.js"],
    'for f in qa/*.sh; do sh "$f" || exit 1; done': ["qa/*.sh"],
    'for f in one two; do python3 "checks/$f.py"; done': ["checks/one.py", "checks/two.py"],
    'for f in qa/a qa/b; do\n "./$f"\ndone': ["qa/a", "qa/b"],
    "sh <<EOF\nit's prose\n./a\nEOF\n./b": ["a", "b"],
    "# it's prose\n./a": ["a"],
    "it's open\n./a": ["a"],
    "./run.sh ci/inner.sh": ["run.sh", "ci/inner.sh"],
    "cd /work && /work/ci/run.sh && ./b": ["ci/run.sh", "b"],
  };
  for (const [text, paths] of Object.entries(rows)) assertNames(text, paths);
});

test("source and tests that a compiler, a linter or a test runner is given are none", () => {
  for (const text of [
    "cc -Iinclude -o build/t src/a.c tests/a_test.c",
    "arm-none-eabi-gcc-12 -c src/a.c",
    "node --test test/a.test.js src/b.js",
    "for f in src/*.c; do cc -c $f; done",
    "npx jest src/a.js",
    "vitest run src/a.test.ts",
    "go test ./...",
    "go build ./cmd/x",
    "cargo test --test a",
    "tsc -p . && eslint src/a.ts",
    "rm -rf build/x && mkdir -p build/y",
    "deno test src/a.ts",
    "npm test",
    "npm run check",
    "echo ./a > ./b",
    "",
    "'",
  ]) {
    const found = entryPointsOf(text).filter((path) => /(?:^|\/)(?:src|test|tests|build|a|b)\b/.test(path));
    assert.deepEqual(found, [], text);
  }
  assert.deepEqual(entryPointsOf("python3 -m pytest tests/test_a.py"), [
    "pytest.py",
    "pytest/__main__.py",
    "pytest/__init__.py",
  ]);
});

test("no text takes long or throws", () => {
  const pieces = [
    "$(",
    "(",
    "`",
    '"',
    "'",
    "<<A\n",
    "${",
    "sh -c '",
    "a ",
    "node ",
    "$a",
    "\\",
    ";",
    "cd ../",
    "\n",
  ];
  for (const piece of pieces) {
    const start = process.cpuUsage().user;
    entryPointsOf(piece.repeat(Math.floor((64 * 1024) / piece.length)));
    assert.ok(process.cpuUsage().user - start < 5_000_000, piece);
  }
});
