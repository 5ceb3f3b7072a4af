import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test, { type TestContext } from "node:test";
import { checkTree, importsOf, readTree, sizeOutliers } from "./index.ts";

const manifest = (name: string, fields: object = {}): string => JSON.stringify({ name, ...fields });

/** A tidy repository of two packages; each test adds the one thing that breaks it. */
const TIDY = {
  "package.json": manifest("root", { devDependencies: { "fast-check": "4.10.2" } }),
  "packages/receipts/package.json": manifest("@openagents/receipts"),
  "packages/receipts/src/index.ts": 'export { hash } from "./hash.ts";\n',
  "packages/receipts/src/hash.ts": "export const hash = 1;\n",
  "packages/ledger/package.json": manifest("@openagents/ledger", {
    dependencies: { "@openagents/receipts": "0.1.0" },
  }),
  "packages/ledger/src/index.ts": 'export { total } from "./total.ts";\n',
  "packages/ledger/src/total.ts":
    'import { hash } from "@openagents/receipts";\nexport const total = hash;\n',
};

function treeOf(t: TestContext, files: Record<string, string>): ReturnType<typeof readTree> {
  const root = mkdtempSync(join(tmpdir(), "tidy-"));
  t.after(() => rmSync(root, { recursive: true }));
  for (const [path, text] of Object.entries({ ...TIDY, ...files })) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return readTree(root);
}

function brokenRules(t: TestContext, files: Record<string, string>): string[] {
  return checkTree(treeOf(t, files)).map(({ rule, file }) => `${rule} ${file}`);
}

const LEDGER = "packages/ledger/src";
const RECEIPTS = "packages/receipts/src";

test("a tidy tree has nothing to report", (t) => {
  assert.deepEqual(brokenRules(t, {}), []);
});

const RED: readonly (readonly [
  property: string,
  files: Record<string, string>,
  expected: readonly string[],
])[] = [
  [
    "an import from a later layer is refused, also when only for its types",
    {
      "packages/receipts/package.json": manifest("@openagents/receipts", {
        dependencies: { "@openagents/ledger": "0.1.0" },
      }),
      [`${RECEIPTS}/up.ts`]:
        'import type { total } from "@openagents/ledger";\nexport type T = typeof total;\n',
    },
    [`layers ${RECEIPTS}/up.ts`],
  ],
  [
    "packages of one layer do not import each other",
    {
      "packages/proof/package.json": manifest("@openagents/proof", {
        dependencies: { "@openagents/receipts": "0.1.0" },
      }),
      "packages/proof/src/index.ts": 'export { hash } from "@openagents/receipts";\n',
    },
    ["layers packages/proof/src/index.ts"],
  ],
  [
    "a workspace without a layer is refused",
    { "packages/newcomer/package.json": manifest("@openagents/newcomer") },
    ["layers packages/newcomer/package.json"],
  ],
  [
    "source never imports testing",
    {
      "packages/ledger/package.json": manifest("@openagents/ledger", {
        dependencies: { "@openagents/receipts": "0.1.0", "@openagents/testing": "0.1.0" },
      }),
      [`${LEDGER}/fake.ts`]: 'import "@openagents/testing";\n',
    },
    [`layers ${LEDGER}/fake.ts`],
  ],
  [
    "an import past a package's face is refused",
    {
      [`${LEDGER}/deep.ts`]:
        'import { hash } from "@openagents/receipts/src/hash.ts";\nexport const x = hash;\n',
    },
    [`faces ${LEDGER}/deep.ts`],
  ],
  [
    "a relative import into another package is refused",
    { [`${LEDGER}/deep.ts`]: 'export * from "../../receipts/src/index.ts";\n' },
    [`faces ${LEDGER}/deep.ts`],
  ],
  [
    "a sibling enters a folder by its face",
    {
      [`${LEDGER}/accounts/index.ts`]: 'export * from "./account.ts";\n',
      [`${LEDGER}/accounts/account.ts`]: "export const account = 1;\n",
      [`${LEDGER}/inside.ts`]: 'export { account } from "./accounts/account.ts";\n',
      [`${LEDGER}/face.ts`]: 'export { account } from "./accounts/index.ts";\n',
    },
    [`faces ${LEDGER}/inside.ts`],
  ],
  [
    "a relative import ends in .ts",
    { [`${LEDGER}/js.ts`]: 'export { total } from "./total.js";\n' },
    [`faces ${LEDGER}/js.ts`],
  ],
  [
    "an import of a file that is not there is refused",
    { [`${LEDGER}/gone.ts`]: 'export { total } from "./totals.ts";\n' },
    [`faces ${LEDGER}/gone.ts`],
  ],
  [
    "a circle of files is reported once, from its first file, wherever it is entered",
    {
      [`${LEDGER}/0.ts`]: 'export { b } from "./b.ts";\n',
      [`${LEDGER}/a.ts`]: 'import { b } from "./b.ts";\nexport const a = (): number => b();\n',
      [`${LEDGER}/b.ts`]: 'import { c } from "./c.ts";\nexport const b = (): number => c();\n',
      [`${LEDGER}/c.ts`]:
        'import type { a } from "./a.ts";\nexport const c = (): ReturnType<typeof a> => 1;\n',
    },
    [`cycles ${LEDGER}/a.ts`],
  ],
  [
    "names that say nothing are refused, for files and folders",
    { [`${LEDGER}/utils.ts`]: "export {};\n", [`${LEDGER}/common/rounding.test.ts`]: "export {};\n" },
    [`names ${LEDGER}/common/rounding.test.ts`, `names ${LEDGER}/utils.ts`],
  ],
  [
    "hosted-CI files are refused",
    { ".github/workflows/ci.yml": "on: push\n", ".gitlab-ci.yml": "", Jenkinsfile: "" },
    ["hosted-ci .github/workflows/ci.yml", "hosted-ci .gitlab-ci.yml", "hosted-ci Jenkinsfile"],
  ],
  [
    "what source imports is declared in its own package",
    {
      "packages/ledger/package.json": manifest("@openagents/ledger"),
      [`${LEDGER}/pg.ts`]: 'import pg from "pg";\nexport const p = await import("pg-cursor");\n',
    },
    [`dependencies ${LEDGER}/pg.ts`, `dependencies ${LEDGER}/pg.ts`, `dependencies ${LEDGER}/total.ts`],
  ],
  [
    "development tools are for tests, not for source",
    {
      [`${LEDGER}/total.test.ts`]:
        'import fc from "fast-check";\nimport { manualClock } from "@openagents/testing";\n',
      [`${LEDGER}/check.ts`]: 'import fc from "fast-check";\n',
    },
    [`dependencies ${LEDGER}/check.ts`],
  ],
  [
    "every version is one exact version",
    {
      "packages/ledger/package.json": manifest("@openagents/ledger", {
        dependencies: { "@openagents/receipts": "*", pg: "^8.0.0" },
        optionalDependencies: { fine: "18.4.0-beta.17" },
        devDependencies: { loose: "latest" },
      }),
    },
    [
      "pins packages/ledger/package.json",
      "pins packages/ledger/package.json",
      "pins packages/ledger/package.json",
    ],
  ],
];

for (const [property, files, expected] of RED) {
  test(property, (t) => {
    assert.deepEqual(brokenRules(t, files), expected);
  });
}

test("a test may reach inside its own package and import it by name", (t) => {
  const files = {
    [`${LEDGER}/accounts/index.ts`]: 'export * from "./account.ts";\n',
    [`${LEDGER}/accounts/account.ts`]: "export const account = 1;\n",
    "packages/ledger/tests/ledger.test.ts":
      'import "@openagents/ledger";\nimport { account } from "../src/accounts/account.ts";\n',
  };
  assert.deepEqual(brokenRules(t, files), []);
});

test("installed packages and output are not looked at", (t) => {
  const files = {
    "packages/ledger/node_modules/x/src/utils.ts": 'import "./gone.js";\n',
    "output/.github/workflows/ci.yml": "",
  };
  assert.deepEqual(brokenRules(t, files), []);
});

test("imports are found in every form and with their lines", () => {
  const source = [
    'import a from "a";',
    "import {",
    "  type B,",
    "  b,",
    "} from 'b';",
    'export * from "c"; export { d } from "d";',
    'import "e";',
    'const lazy = () => import("f");',
    'type G = import("g").G;',
  ].join("\n");
  assert.deepEqual(
    importsOf(source).map(({ specifier, line }) => `${specifier}:${line}`),
    ["a:1", "b:5", "c:6", "d:6", "e:7", "f:8", "g:9"],
  );
});

test("what only looks like an import is none", () => {
  const source = [
    '// import "comment";',
    '/* import "block"; */',
    'const text = "import \\"quoted\\";";',
    "const code = `",
    'import "template";',
    '${`import "nested";`}`;',
    "const quote = /[`\"']/g; const half = 4 / 2;",
    'import "real";',
    'export const from = "value";',
  ].join("\n");
  assert.deepEqual(
    importsOf(source).map(({ specifier }) => specifier),
    ["real"],
  );
});

test("long files and functions are pointed out, and break no rule", (t) => {
  const long = `export function long(): void {\n${"  void 0;\n".repeat(300)}}\n`;
  const tree = treeOf(t, { [`${LEDGER}/long.ts`]: long, [`${LEDGER}/long.test.ts`]: long });
  assert.deepEqual(checkTree(tree), []);
  assert.deepEqual(sizeOutliers(tree), [
    { place: `${LEDGER}/long.ts`, lines: 302 },
    { place: `${LEDGER}/long.ts:1 long()`, lines: 302 },
  ]);
});
