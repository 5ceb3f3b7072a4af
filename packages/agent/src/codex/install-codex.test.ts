import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { codexBinary } from "./codex-binary.ts";

const PROGRAM = "node_modules/@openai/codex-linux-x64/vendor/triple/bin";

/** An `npm` that makes what the real one would, slowly enough for two to meet. */
const NPM_WORKS = `echo run >> "$LOG"; sleep 0.3; mkdir -p ${PROGRAM}; echo program > ${PROGRAM}/codex`;

async function machine(t: TestContext, npm: string) {
  const root = await mkdtemp(join(tmpdir(), "install-codex-"));
  t.after(() => rm(root, { recursive: true }));
  await mkdir(join(root, "bin"));
  await writeFile(join(root, "bin", "npm"), `#!/bin/sh\n${npm}\n`);
  await chmod(join(root, "bin", "npm"), 0o755);
  const folder = join(root, "agents");
  const log = join(root, "log");
  const said: string[] = [];
  const env = { PATH: `${join(root, "bin")}:/usr/bin:/bin`, LOG: log };
  const onProgress = (detail: string) => void said.push(detail);
  const install = () => codexBinary({ folder, env, signal: t.signal, onProgress });
  return { folder, log, said, install };
}

test("two at once install once, the size is said before, and a repeat installs nothing", async (t) => {
  const { install, log, said } = await machine(t, NPM_WORKS);
  const [first, second] = await Promise.all([install(), install()]);
  assert.equal(first, second);
  assert.ok(existsSync(first));
  assert.equal(await install(), first);
  assert.equal(await readFile(log, "utf8"), "run\n");
  assert.match(said.join("\n"), /400 MB/);
});

test("an install that fails says what to do next and leaves nothing half done", async (t) => {
  for (const npm of ["echo no network >&2; exit 1", "mkdir -p node_modules/half; exit 1", "exit 0"]) {
    const { install, folder } = await machine(t, npm);
    await assert.rejects(install(), { code: "codex_install_failed", message: /OPENAGENTS_CODEX/ });
    assert.deepEqual(await readdir(folder), []);
  }
});

test("the turn of a process that died is taken over", async (t) => {
  const { install, folder } = await machine(t, NPM_WORKS);
  await mkdir(folder);
  // Above every pid that Linux gives out.
  await writeFile(join(folder, ".installing"), "4194305");
  assert.ok(existsSync(await install()));
});

test("a program that the environment names is used as it is, and must be one", async (t) => {
  const { folder } = await machine(t, "exit 1");
  const named = (path: string) => codexBinary({ folder, env: { OPENAGENTS_CODEX: path }, signal: t.signal });
  assert.equal(await named(process.execPath), process.execPath);
  for (const path of ["codex", "/nowhere/codex"])
    await assert.rejects(named(path), { code: "codex_not_found" });
});
