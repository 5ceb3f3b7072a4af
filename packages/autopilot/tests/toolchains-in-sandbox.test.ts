// Tools as jobs meet them: found on this machine, mounted into the real sandbox.

import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { SandboxError, createSandbox, type Sandbox } from "@openagents/sandbox";
import {
  findToolchains,
  matchToolchains,
  mountsOf,
  toolchainEnv,
  type InstalledToolchain,
} from "../src/index.ts";

const sandbox: Sandbox | undefined = await createSandbox().catch((error: unknown) => {
  if (error instanceof SandboxError && error.code === "sandbox_unavailable") return undefined;
  throw error;
});
const skip = sandbox === undefined ? "commands cannot be confined here" : false;
const found = await findToolchains();

/** As `openagents run` orders them by default. */
const LIMITS = {
  wallMs: 300_000,
  cpuMs: 600_000,
  memoryMib: 1024,
  pids: 256,
  diskMib: 1024,
  outputBytes: 1024 * 1024,
};

test("each tool says inside the version that it is lent as", { skip }, async (t) => {
  for (const tool of found) {
    const args = { go: "version", cc: "-dumpfullversion", gcc: "-dumpfullversion" }[tool.name] ?? "--version";
    // npm is a script of node's.
    const others = tool.name === "npm" ? found.filter(({ name }) => name === "node").slice(0, 1) : [];
    const { exitCode, said } = await run(t, {}, [tool, ...others], `${tool.name} ${args}`);
    assert.equal(exitCode, 0, `${tool.name} ${tool.version}: ${said}`);
    // A program may name the version of something else too, but never only that.
    assert.ok(said.includes(tool.version), `${tool.name} ${tool.version} says ${said}`);
  }
});

const PROJECTS: readonly {
  readonly tools: readonly string[];
  readonly command: string;
  readonly files: Readonly<Record<string, string>>;
}[] = [
  {
    tools: ["go"],
    command: "go test ./...",
    files: {
      "go.mod": "module x\n\ngo 1.20\n",
      "x_test.go": 'package x\n\nimport "testing"\n\nfunc TestX(t *testing.T) {}\n',
    },
  },
  {
    tools: ["cargo", "cc"],
    command: "cargo test",
    files: {
      "Cargo.toml": '[package]\nname = "x"\nversion = "0.1.0"\nedition = "2021"\n',
      "src/lib.rs": "#[test]\nfn x() {}\n",
    },
  },
  {
    tools: ["python3"],
    command: "python3 -m unittest && test -z \"$(find . -name '*.pyc')\"",
    files: {
      // Modules whose shared parts must be of this very Python.
      "test_x.py":
        "import hashlib, sqlite3, ssl, unittest\n\nclass X(unittest.TestCase):\n    def test_x(self):\n        pass\n",
    },
  },
  {
    tools: ["make", "cc"],
    command: "make test",
    files: {
      Makefile: "test: x\n\t./x\nx: x.c\n\t$(CC) -o x x.c\n",
      "x.c": "int main(void) { return 0; }\n",
    },
  },
  {
    tools: ["node"],
    command: "node --test",
    files: { "x.test.js": 'require("node:test").test("x", () => {});\n' },
  },
];

for (const { tools, command, files } of PROJECTS) {
  const match = matchToolchains(
    found,
    tools.map((name) => ({ name, versionMin: "0" })),
  );
  const why = match.kind === "missing" ? `this machine has no ${match.requirement.name}` : skip;
  test(`${command} passes in the sandbox under the default limits`, { skip: why }, async (t) => {
    assert.ok(match.kind === "matched");
    const { exitCode, said } = await run(t, files, match.toolchains, command);
    assert.equal(exitCode, 0, said);
  });
}

async function run(
  t: TestContext,
  files: Readonly<Record<string, string>>,
  tools: readonly InstalledToolchain[],
  command: string,
) {
  const tree = mkdtempSync(join(tmpdir(), "oa-tools-"));
  t.after(() => rmSync(tree, { recursive: true, force: true }));
  chmodSync(tree, 0o755);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text);
  }
  assert.ok(sandbox !== undefined);
  const { commands } = await sandbox.runCommands({
    tree,
    commands: [command],
    limits: LIMITS,
    toolchains: mountsOf(tools),
    env: toolchainEnv(tools.map(({ name }) => name)),
  });
  const [outcome] = commands;
  return { exitCode: outcome?.exitCode, said: `${outcome?.stdout.toString()}${outcome?.stderr.toString()}` };
}
