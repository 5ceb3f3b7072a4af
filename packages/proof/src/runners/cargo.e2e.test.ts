import assert from "node:assert/strict";
import { test } from "node:test";
import { missing, outcomes, runProject } from "./run-project.ts";

const skip = missing("cargo", "--version");
const home = process.env["HOME"] ?? "";

function run(files: Readonly<Record<string, string>>, command = "cargo test --offline --no-fail-fast") {
  return runProject("cargo", {
    files: { "Cargo.toml": `[package]\nname = "my-lib"\nversion = "0.1.0"\nedition = "2021"\n`, ...files },
    command,
    env: {
      CARGO_HOME: process.env["CARGO_HOME"] ?? `${home}/.cargo`,
      RUSTUP_HOME: process.env["RUSTUP_HOME"] ?? `${home}/.rustup`,
    },
  });
}

test("cargo reports every kind of outcome by binary, module and name", { skip }, () => {
  const ran = run({
    "src/lib.rs": `#[cfg(test)]
mod tests {
  #[test] fn passes() { println!("test tests::fails ... ok"); }
  #[test] fn fails() { assert!(false) }
  #[test] #[ignore] fn is_ignored() {}
  #[test] #[ignore = "ok tests::fails"] fn is_ignored_with_a_reason() {}
  #[test] #[should_panic] fn panics() { panic!() }
  mod deep { #[test] fn nested() {} }
}`,
    "tests/it.rs": "#[test] fn outside() {}",
  });
  assert.equal(ran.exitCode, 101);
  assert.equal(ran.report.complete, true, ran.report.because);
  assert.deepEqual(outcomes(ran), {
    "my_lib > tests > passes": "passed",
    "my_lib > tests > fails": "failed",
    "my_lib > tests > is_ignored": "skipped",
    "my_lib > tests > is_ignored_with_a_reason": "skipped",
    "my_lib > tests > panics": "passed",
    "my_lib > tests > deep > nested": "passed",
    "it > outside": "passed",
  });
});

test("cargo runs other programs as they are, and reports nothing of what does not compile", { skip }, () => {
  const ran = run(
    { "src/main.rs": `fn main() { println!("hi"); std::process::exit(3) }` },
    "cargo run --offline -q",
  );
  assert.deepEqual([ran.exitCode, ran.output], [3, "hi\n"]);
  const broken = run({ "src/lib.rs": "#[test] fn one() { missing() }" });
  assert.deepEqual([broken.exitCode, broken.report.complete, broken.report.tests.size], [101, false, 0]);
});

test("a test binary that ends early leaves cargo's report with a test without a result", { skip }, () => {
  const ran = run({
    "src/lib.rs": `
#[test] fn a_first() {}
#[test] fn b_exits() { print!("ok c_last\\ntest c_last ... ok\\n"); std::process::exit(0) }
#[test] fn c_last() { assert!(false) }`,
  });
  assert.equal(ran.report.complete, false);
  assert.notEqual(ran.report.tests.get("my_lib > c_last"), "passed");
});

test("what a Rust test does to the report folder spoils the report", { skip }, () => {
  const attack = (code: string) =>
    run({
      "src/lib.rs": `#[test] fn one() { let folder = std::env::var("OPENAGENTS_REPORT_FOLDER").unwrap(); ${code} }`,
    }).report;
  assert.equal(attack(`std::fs::write(folder + "/junk", "").unwrap();`).complete, false);
  assert.equal(attack("std::fs::remove_dir_all(folder).unwrap();").complete, false);
});
