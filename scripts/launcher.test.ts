// The launcher `./openagents` against a repository of fakes: a PATH with only
// the tools that a test grants, and an npm that installs a Node which prints
// its arguments.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";

const REPOSITORY = join(import.meta.dirname, "..");
const MACHINE = `${process.platform}-${process.arch}`;
const LOCKED = `node-${MACHINE}`;
// The time limit is for a launcher that waits for ever; a good one needs a tenth of a second.
const options = {
  skip: ["linux-x64", "linux-arm64"].includes(MACHINE) ? false : `no locked Node for ${MACHINE}`,
  timeout: 30_000,
};

const SHELL_TOOLS = [
  "sh",
  "uname",
  "sha256sum",
  "readlink",
  "mktemp",
  "date",
  "tail",
  "cat",
  "mkdir",
  "rm",
  "mv",
  "chmod",
];
/** What bounds the heap; docs/adr/0031-memory.md. */
const NODE_FLAGS = ["--max-semi-space-size=16", "--max-old-space-size=1024"];
const SYSTEM_TOOLS = ["flock", "git", "setpriv", "unshare"];

const FAKE_NPM = `#!/bin/sh
echo "$PWD: $*" >>"$NPM_LOG"
[ -z "\${NPM_GATE-}" ] || cat "$NPM_GATE" >/dev/null
[ -z "\${NPM_FAILS-}" ] || { echo "npm error first"; echo "npm error the reason"; exit 7; }
mkdir -p node_modules/${LOCKED}/bin
cat >node_modules/${LOCKED}/bin/node <<'END'
#!/bin/sh
printf '[%s]' "$PWD" "$@"
END
chmod +x node_modules/${LOCKED}/bin/node
`;

type Answer = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

type Clone = {
  readonly root: string;
  readonly bin: string;
  /** Ends what still runs when the test does. */
  readonly ended: AbortSignal;
  readonly npmRuns: () => string[];
};

/** A clone in a folder whose name has spaces, below one that only its owner may enter. */
function fakeClone(t: TestContext): Clone {
  const top = mkdtempSync(join(tmpdir(), "launcher-"));
  const ended = new AbortController();
  t.after(() => {
    ended.abort();
    rmSync(top, { recursive: true });
  });
  const root = join(top, "a clone");
  const bin = join(top, "bin");
  for (const folder of [join(root, "scripts"), join(root, "apps/cli/src"), bin])
    mkdirSync(folder, { recursive: true });
  for (const file of ["openagents", "scripts/packages-match-lock.mjs"]) {
    copyFileSync(join(REPOSITORY, file), join(root, file));
  }
  writeFileSync(join(root, "package-lock.json"), '{"packages":{"node_modules/x":{"version":"1.0.0"}}}');
  for (const tool of [...SHELL_TOOLS, ...SYSTEM_TOOLS]) grantTool(bin, tool);
  writeTool(bin, "npm", FAKE_NPM);
  writeTool(bin, "bwrap", "#!/bin/sh\n");
  writeTool(bin, "id", "#!/bin/sh\necho 1000\n");
  symlinkSync(process.execPath, join(bin, "node"));
  const log = join(top, "npm.log");
  const npmRuns = () => (existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : []);
  return { root, bin, ended: ended.signal, npmRuns };
}

function grantTool(bin: string, tool: string): void {
  const found = ["/usr/bin", "/bin"].map((folder) => join(folder, tool)).find((path) => existsSync(path));
  assert.ok(found !== undefined, `this test needs ${tool}`);
  symlinkSync(found, join(bin, tool));
}

function writeTool(bin: string, tool: string, text: string): void {
  rmSync(join(bin, tool), { force: true });
  writeFileSync(join(bin, tool), text);
  chmodSync(join(bin, tool), 0o755);
}

type Launch = { readonly answer: Promise<Answer>; readonly said: (text: string) => Promise<void> };

function launch(
  { root, bin, ended }: Clone,
  args: readonly string[],
  {
    env = {},
    via = join(root, "openagents"),
    cwd = "/",
  }: { env?: Record<string, string>; via?: string; cwd?: string } = {},
): Launch {
  const child = spawn(via, args, {
    cwd,
    env: { PATH: bin, TMPDIR: tmpdir(), NPM_LOG: join(root, "../npm.log"), ...env },
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own, so that what the launcher started ends with it.
    detached: true,
  });
  ended.addEventListener("abort", () => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, "SIGKILL");
  });
  let stdout = "";
  let stderr = "";
  const waiting: (() => void)[] = [];
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
    for (const look of waiting) look();
  });
  const answer = new Promise<Answer>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
  const said = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => stderr.includes(text) && resolve();
      waiting.push(look);
      look();
      void answer.then(() => reject(new Error(`ended without saying "${text}": ${stderr}`)));
    });
  return { answer, said };
}

test("the first start installs once, and the second goes straight on", options, async (t) => {
  const clone = fakeClone(t);
  const first = await launch(clone, ["status"]).answer;
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stderr, /Installing packages/);
  const second = await launch(clone, ["status"]).answer;
  assert.deepEqual({ code: second.code, stderr: second.stderr }, { code: 0, stderr: "" });
  assert.equal(clone.npmRuns().length, 1);
});

test("arguments and the working folder arrive as they are, also through symlinks", options, async (t) => {
  const clone = fakeClone(t);
  symlinkSync("a clone/openagents", join(clone.root, "../near"));
  symlinkSync(join(clone.root, "../near"), join(clone.bin, "far"));
  const args = ["runs", "two words", "", "*", "--x=$HOME"];
  const { stdout } = await launch(clone, args, { via: join(clone.bin, "far"), cwd: "/usr" }).answer;
  const main = join(clone.root, "apps/cli/src/main.ts");
  assert.equal(stdout, ["/usr", ...NODE_FLAGS, main, ...args].map((arg) => `[${arg}]`).join(""));
});

test("a changed lock installs again", options, async (t) => {
  const clone = fakeClone(t);
  await launch(clone, []).answer;
  writeFileSync(join(clone.root, "package-lock.json"), '{"packages":{"node_modules/x":{"version":"1.0.1"}}}');
  await launch(clone, []).answer;
  assert.equal(clone.npmRuns().length, 2);
});

test("packages that npm already installed from this lock are taken as they are", options, async (t) => {
  const clone = fakeClone(t);
  await launch(clone, []).answer;
  rmSync(join(clone.root, "node_modules/.openagents-stamp"));
  copyFileSync(join(clone.root, "package-lock.json"), join(clone.root, "node_modules/.package-lock.json"));
  const { code, stderr } = await launch(clone, []).answer;
  assert.deepEqual({ code, stderr, runs: clone.npmRuns().length }, { code: 0, stderr: "", runs: 1 });
});

test("of two that start at once one installs, and the other waits and says so", options, async (t) => {
  const clone = fakeClone(t);
  const gate = join(clone.root, "../gate");
  await new Promise((resolve) => spawn("mkfifo", [gate]).once("close", resolve));
  const one = launch(clone, ["one"], { env: { NPM_GATE: gate } });
  await one.said("Installing packages");
  const two = launch(clone, ["two"], { env: { NPM_GATE: gate } });
  await two.said("waiting for it");
  writeFileSync(gate, "");
  const answers = await Promise.all([one.answer, two.answer]);
  assert.deepEqual(
    answers.map(({ code }) => code),
    [0, 0],
  );
  assert.equal(clone.npmRuns().length, 1);
});

test(
  "a failed install shows npm's last words and its log, leaves no stamp, and is tried again",
  options,
  async (t) => {
    const clone = fakeClone(t);
    const { code, stdout, stderr } = await launch(clone, ["demo"], { env: { NPM_FAILS: "1" } }).answer;
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.match(stderr, /npm error the reason/);
    const log = /Full log: (\S+)/.exec(stderr)?.[1] ?? "";
    assert.match(readFileSync(log, "utf8"), /npm error first/);
    rmSync(log);
    assert.equal((await launch(clone, ["demo"]).answer).code, 0);
    assert.equal(clone.npmRuns().length, 2);
  },
);

test("an old or absent Node is named with the command that helps", options, async (t) => {
  const clone = fakeClone(t);
  writeTool(clone.bin, "node", "#!/bin/sh\necho v18.20.4\n");
  const old = await launch(clone, []).answer;
  assert.equal(old.code, 1);
  assert.match(old.stderr, /Node 20 or newer.*found Node 18/);
  rmSync(join(clone.bin, "node"));
  const absent = await launch(clone, []).answer;
  assert.match(absent.stderr, /found no Node/);
  assert.deepEqual(clone.npmRuns(), []);
});

test("once installed, no Node and no npm are needed on PATH", options, async (t) => {
  const clone = fakeClone(t);
  await launch(clone, []).answer;
  for (const tool of ["node", "npm"]) rmSync(join(clone.bin, tool));
  assert.equal((await launch(clone, ["demo"]).answer).code, 0);
});

test(
  "without bubblewrap an ordinary user gets one command, and only where it is needed",
  options,
  async (t) => {
    const clone = fakeClone(t);
    writeTool(clone.bin, "apt-get", "#!/bin/sh\nexit 9\n");
    rmSync(join(clone.bin, "bwrap"));
    const demo = await launch(clone, ["demo"]).answer;
    assert.equal(demo.code, 1);
    assert.equal(demo.stdout, "");
    assert.match(demo.stderr, /sudo apt-get install -y --no-install-recommends bubblewrap\n/);
    const check = await launch(clone, ["check"]).answer;
    assert.equal(check.code, 0);
    assert.match(check.stderr, /bubblewrap/);
    const status = await launch(clone, ["status"]).answer;
    assert.deepEqual({ code: status.code, stderr: status.stderr }, { code: 0, stderr: "" });
  },
);

test(
  "root on Debian gets what is missing installed, the package lists only when they are needed",
  options,
  async (t) => {
    const clone = fakeClone(t);
    await launch(clone, []).answer;
    const log = join(clone.root, "../apt.log");
    writeTool(clone.bin, "id", "#!/bin/sh\necho 0\n");
    rmSync(join(clone.bin, "bwrap"));
    // Finds the package only after an update, as on a fresh image.
    writeTool(
      clone.bin,
      "apt-get",
      `#!/bin/sh\necho "$1" >>'${log}'\n[ "$1" != update ] || : >'${log}.updated'\n[ "$1" = update ] || [ -e '${log}.updated' ]\n`,
    );
    const { code, stderr } = await launch(clone, ["demo"]).answer;
    assert.equal(code, 0, stderr);
    assert.equal(readFileSync(log, "utf8"), "install\nupdate\ninstall\n");
    assert.match(stderr, /Installing system packages \(bubblewrap\)/);
  },
);
