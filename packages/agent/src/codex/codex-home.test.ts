import assert from "node:assert/strict";
import { lstat, mkdir, mkdtemp, readFile, readlink, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { prepareCodexHome, returnLogin } from "./codex-home.ts";

async function folders(t: TestContext) {
  const root = await mkdtemp(join(tmpdir(), "codex-home-"));
  t.after(() => rm(root, { recursive: true }));
  const home = join(root, "home");
  for (const dir of ["state", "workspace", "home/.cargo/bin", "home/.nvm/node/v1/bin", "tool/bin"])
    await mkdir(join(root, dir), { recursive: true });
  const binary = join(root, "tool", "bin", "codex");
  const loginFile = join(home, "auth.json");
  await writeFile(binary, "");
  await writeFile(loginFile, "the login");
  const request = {
    stateDir: join(root, "state"),
    workspace: join(root, "workspace"),
    binary,
    settings: {},
    env: { HOME: home, PATH: `${home}/.cargo/bin:${home}/.nvm/node/v1/bin:/usr/bin:relative` },
    readable: [],
    writable: [],
    commandEnv: {},
    loginFile,
  };
  return { root, home, loginFile, request };
}

test("the user's login is linked, not copied, and no link is there with a provider of one's own", async (t) => {
  const { request, loginFile } = await folders(t);
  const { dir } = await prepareCodexHome(request);
  assert.equal(await readlink(join(dir, "auth.json")), loginFile);
  await prepareCodexHome(request);
  assert.equal((await stat(dir)).mode & 0o077, 0, "the folder is the user's alone");

  const other = join(request.stateDir, "other");
  await mkdir(other);
  const modelProvider = { baseUrl: "http://127.0.0.1:1/v1", envKey: "KEY" };
  const { dir: second } = await prepareCodexHome({
    ...request,
    stateDir: other,
    settings: { modelProvider },
  });
  await assert.rejects(lstat(join(second, "auth.json")), { code: "ENOENT" });
});

test("a login that codex renewed goes back to the user, and none stays behind", async (t) => {
  const { request, loginFile } = await folders(t);
  const home = await prepareCodexHome(request);
  await rm(join(home.dir, "auth.json"));
  await writeFile(join(home.dir, "auth.json"), "the renewed login");
  await returnLogin(home, loginFile);
  assert.equal(await readFile(loginFile, "utf8"), "the renewed login");
  await assert.rejects(lstat(join(home.dir, "auth.json")), { code: "ENOENT" });
});

test("commands may read toolchains on PATH, and never a folder that holds a home's logins", async (t) => {
  const { request, home, root } = await folders(t);
  const { dir } = await prepareCodexHome(request);
  const config = await readFile(join(dir, "config.toml"), "utf8");
  const readable = [...config.matchAll(/^"(\/[^"]*)" = "read"$/gm)].map(([, path]) => path);
  assert.ok(readable.includes(join(root, "tool")), "codex's own helpers");
  assert.ok(readable.includes(join(home, ".nvm/node/v1")));
  assert.ok(readable.includes(join(home, ".cargo/bin")));
  for (const path of [home, join(home, ".cargo"), root, "/"]) assert.ok(!readable.includes(path), path);
});
