import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test, { type TestContext } from "node:test";

const adr = (number: number): [string, string] => [
  `docs/adr/000${number}-x.md`,
  "# X\n\nStatus: accepted\n\n## Context\n\n## Decision\n\n## Consequences\n",
];

const SOUND: Record<string, string> = {
  "README.md": "# A title, with: marks\n\nSee [style](STYLE.md#two-words) and `tools/x`; ```no`` code.\n",
  "STYLE.md": "# Style\n\n## Two words\n",
  "tools/x/y": "",
  ...Object.fromEntries(
    ["ARCHITECTURE.md", "GLOSSARY.md", "CONTRIBUTING.md", "LICENSE", "NOTICE"].map((f) => [f, ""]),
  ),
  ...Object.fromEntries([1, 2, 3, 4, 5, 6, 7].map(adr)),
  // Answers --help for one command with one option, and nothing else.
  "apps/cli/src/main.ts":
    'if (process.argv.slice(2).join(" ") === "runs list --help") console.log("Usage: openagents runs list --json");\nelse process.exitCode = 2;\n',
};

function checkDocs(
  t: TestContext,
  files: Record<string, string | undefined>,
): { code: number | null; problems: string[] } {
  const root = mkdtempSync(join(tmpdir(), "docs-"));
  t.after(() => rmSync(root, { recursive: true }));
  for (const [path, text] of Object.entries({ ...SOUND, ...files })) {
    if (text === undefined) continue;
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const { status, stdout } = spawnSync(process.execPath, [join(import.meta.dirname, "check-docs.ts"), root], {
    encoding: "utf8",
  });
  return { code: status, problems: stdout.trim().split("\n").slice(0, -1) };
}

test("sound documents pass", (t) => {
  assert.deepEqual(checkDocs(t, {}), { code: 0, problems: [] });
});

const RED: readonly (readonly [
  property: string,
  files: Record<string, string | undefined>,
  problem: RegExp,
])[] = [
  ["a required document that is missing is named", { "GLOSSARY.md": undefined }, /^GLOSSARY\.md: missing$/],
  [
    "a link that leads nowhere is named",
    { "docs/a.md": "[x](../gone.md)" },
    /"\.\.\/gone\.md" leads nowhere/,
  ],
  ["a link out of the repository is named", { "docs/a.md": "[x](../../etc/hosts)" }, /leaves the repository/],
  [
    "an anchor without its heading is named",
    { "docs/a.md": "[x](../STYLE.md#one-word)" },
    /names no heading of STYLE\.md/,
  ],
  [
    "a path that does not exist is named",
    { "docs/a.md": "`packages/gone`" },
    /`packages\/gone` does not exist/,
  ],
  ["an ADR that is missing is named", { "docs/adr/0003-x.md": undefined }, /ADR 3 is missing/],
  ["a number used twice is named", { "docs/adr/0003-y.md": adr(3)[1] }, /two ADRs have one number/],
  [
    "an ADR without its decision is named",
    { "docs/adr/0003-x.md": "\nStatus: x\n## Context\n## Consequences\n" },
    /has no "## Decision"/,
  ],
  [
    "an ADR that is too long is named",
    { "docs/adr/0003-x.md": adr(3)[1] + "\nx".repeat(80) },
    /90 lines; an ADR has at most 80/,
  ],
  [
    "a command that README invents is named",
    { "README.md": "`openagents fly`" },
    /`openagents fly` is no command/,
  ],
  [
    "an option that README invents is named",
    { "README.md": "`openagents runs list --fast`" },
    /has no option --fast/,
  ],
];

for (const [property, files, problem] of RED) {
  test(property, (t) => {
    const { code, problems } = checkDocs(t, files);
    assert.equal(code, 1);
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.match(problems.join(), problem);
  });
}

test("a command and option that exist pass", (t) => {
  assert.deepEqual(
    checkDocs(t, { "README.md": "```sh\n./openagents runs list --json  # all\n```\n" }).problems,
    [],
  );
});
