import assert from "node:assert/strict";
import { test } from "node:test";
import { CheckConfigError, parseCheckConfig } from "./check-config.ts";
import { globMatches, globProblem } from "./glob.ts";

test("a configuration is read as it is written, and what is left out is empty", () => {
  const whole = `{"version":1,"check":["make","make test"],"test_paths":["qa/**"],"source_paths":["spec/*.md"],"config_paths":["ci/*"]}`;
  assert.deepEqual(parseCheckConfig(whole), {
    version: 1,
    check: ["make", "make test"],
    testPaths: ["qa/**"],
    sourcePaths: ["spec/*.md"],
    configPaths: ["ci/*"],
  });
  assert.deepEqual(parseCheckConfig(`{"version":1}`), {
    version: 1,
    testPaths: [],
    sourcePaths: [],
    configPaths: [],
  });
});

test("anything else is refused, naming the member", () => {
  const refused: readonly (readonly [string, RegExp])[] = [
    ["", /not JSON/],
    ["[]", /must be a JSON object/],
    ["null", /must be a JSON object/],
    ["{}", /version must be 1/],
    [`{"version":"1"}`, /version must be 1/],
    [`{"version":2}`, /version must be 1/],
    [`{"version":1,"checks":[]}`, /"checks" is not a member/],
    [`{"version":1,"__proto__":{}}`, /"__proto__" is not a member/],
    [`{"version":1,"check":[]}`, /check must name/],
    [`{"version":1,"check":"make"}`, /check must be a list/],
    [`{"version":1,"check":[" "]}`, /check: a command is empty/],
    [`{"version":1,"check":[1]}`, /check must be a list of strings/],
    [`{"version":1,"test_paths":null}`, /test_paths must be a list/],
    [`{"version":1,"source_paths":["/a"]}`, /source_paths: "\/a" has a part ""/],
    [`{"version":1,"config_paths":["a/../b"]}`, /config_paths: .* has a part "\.\."/],
    [`{"version":1,"test_paths":["{a,b}"]}`, /test_paths: .* may use only/],
    [`{"version":1,"test_paths":["a**"]}`, /only as a whole part/],
  ];
  for (const [text, message] of refused) {
    assert.throws(
      () => parseCheckConfig(text),
      (error) => {
        assert.ok(error instanceof CheckConfigError);
        assert.match(error.message, message, text);
        return true;
      },
    );
  }
});

test("* stays within a name, ? is one character, ** is any number of folders", () => {
  const table: readonly (readonly [string, string, boolean])[] = [
    ["a.ts", "a.ts", true],
    ["a.ts", "b/a.ts", false],
    ["*.ts", "a.ts", true],
    ["*.ts", "b/a.ts", false],
    ["**/*.ts", "a.ts", true],
    ["**/*.ts", "b/c/a.ts", true],
    ["a/**", "a/b/c", true],
    ["a/**", "ab", false],
    ["a/**/z", "a/z", true],
    ["a/**/z", "a/b/c/z", true],
    ["a/**/z", "a/b/c/zz", false],
    ["?.ts", "ab.ts", false],
    ["a*b*c", "aXbYc", true],
    ["a*b*c", "aXbY", false],
    ["**/a/**/b", "x/a/y/a/z/b", true],
    ["A.ts", "a.ts", false],
    ["a.ts", "aXts", false],
  ];
  for (const [glob, path, expected] of table) {
    assert.equal(globProblem(glob), undefined, glob);
    assert.equal(globMatches(glob, path), expected, `${glob} on ${path}`);
  }
});

test("a pattern of many wildcards is answered at once", () => {
  const started = performance.now();
  assert.equal(globMatches(`${"*a".repeat(200)}b`, "a".repeat(4_000)), false);
  assert.equal(globMatches(`${"**/a/".repeat(80)}b`, "a/".repeat(2_000)), false);
  assert.ok(performance.now() - started < 5_000);
});
