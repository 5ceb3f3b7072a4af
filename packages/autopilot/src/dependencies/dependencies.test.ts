// What the agent gets of a project's layers, and what of it can never be in a patch.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { lstat, mkdir, mkdtemp, readFile, readdir, readlink, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { rawLayer, type RawEntry } from "../layers/fixture.ts";
import type { LayerPlace } from "../layers/index.ts";
import { runGit } from "../git/index.ts";
import { makeWorkspace, openWorkspace, parseSource } from "../workspace/index.ts";
import { giveDependencies } from "./index.ts";

const signal = new AbortController().signal;
const NPM: LayerPlace = { kind: "npm", path: "node_modules" };
const NESTED: LayerPlace = { kind: "npm", path: "packages/a/node_modules" };
const PIP: LayerPlace = { kind: "pip", path: "site-packages" };

function packages(files: Readonly<Record<string, string>>, links: Readonly<Record<string, string>> = {}) {
  const entries = new Map<string, RawEntry>();
  const add = (path: string, entry: RawEntry) => {
    const parts = path.split("/").slice(0, -1);
    for (const [index] of parts.entries()) {
      const parent = parts.slice(0, index + 1).join("/");
      entries.set(parent, { path: parent, type: "5" });
    }
    entries.set(path, entry);
  };
  for (const [path, content] of Object.entries(files)) add(path, { path, content });
  for (const [path, target] of Object.entries(links)) add(path, { path, type: "2", target });
  return rawLayer([...entries.values()]);
}

const TARS = new Map([
  [
    NPM.path,
    packages(
      {
        "dep/package.json": `{"name":"dep","main":"index.js"}`,
        "dep/index.js": `module.exports = "dep with " + require("other");`,
        "other/index.js": `module.exports = "other";`,
      },
      { a: "../packages/a", ".bin/dep": "../dep/index.js" },
    ),
  ],
  [NESTED.path, packages({ "inner/index.js": `module.exports = "inner with " + require("other");` })],
  [PIP.path, packages({ "wheel/__init__.py": "", "bin/tool": "#!/bin/sh\n" })],
]);

async function write(dir: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), text);
  }
}

async function project(t: TestContext, files: Readonly<Record<string, string>>, repository = true) {
  const root = await mkdtemp(join(tmpdir(), "dependencies-"));
  t.after(() => rm(root, { recursive: true, force: true }));
  const source = join(root, "project");
  await write(source, { "a.txt": "one\n", ...files });
  if (repository) {
    await runGit(["init", "--quiet"], { cwd: source });
    await runGit(["add", "--all", "--force", "."], { cwd: source });
    await runGit(["commit", "--quiet", "--message", "x"], { cwd: source });
  }
  const home = join(root, "run", "workspace");
  const facts = await makeWorkspace(parseSource(source, "/"), home, signal);
  let unpacked = 0;
  /** As a run does it, each time that it is started or resumed. */
  const give = async (...layers: readonly LayerPlace[]) => {
    const given = await giveDependencies(layers, {
      workspace: await openWorkspace(home, facts, signal),
      folder: join(root, "run", "layers", "agent"),
      readTar: async ({ path }) => {
        unpacked += 1;
        return TARS.get(path) ?? Buffer.alloc(0);
      },
      toolchains: [
        { name: "node", version: "24.0.0", prefix: "/opt/node" },
        { name: "cc", version: "12" },
      ],
      path: "/usr/bin",
      signal,
    });
    const workspace = await openWorkspace(home, facts, signal, given.leftOut);
    return { ...given, dir: workspace.dir, diff: async () => (await workspace.diff()).toString() };
  };
  return { root, give, unpacked: () => unpacked };
}

function nodeSays(cwd: string, code: string): string {
  return execFileSync(process.execPath, ["-e", code], { cwd, encoding: "utf8" }).trim();
}

test("packages find each other and the project's own, from every folder of a workspace project", async (t) => {
  const { give } = await project(t, {
    "packages/a/package.json": `{"name":"a","main":"index.js"}`,
    "packages/a/index.js": `module.exports = "a with " + require("inner") + " and " + require("dep");`,
  });
  const { dir, diff, notes } = await give(NPM, NESTED);
  assert.equal(nodeSays(dir, `console.log(require("dep"))`), "dep with other");
  const said = "a with inner with other and dep with other";
  assert.equal(nodeSays(dir, `console.log(require("a"))`), said);
  assert.equal(nodeSays(join(dir, "packages/a"), `console.log(require("./index.js"))`), said);
  await writeFile(join(dir, "packages/a/index.js"), `module.exports = "changed";`);
  assert.equal(nodeSays(dir, `console.log(require("a"))`), "changed", "it is the workspace's, not a copy");
  assert.match(await diff(), /^diff --git a\/packages\/a\/index\.js [^\n]*\n(?!.*diff --git)/s);
  assert.match(notes.join("\n"), /^npm node_modules at \/.*\nnpm packages\/a\/node_modules at \//);
});

test("the environment has the user's tools first, then the path, then what is in the layers", async (t) => {
  const { root, give } = await project(t, {});
  const { env, readable, writable, dir } = await give(NPM, PIP);
  const [npm, pip] = ["npm/node_modules", "pip/site-packages"].map((path) =>
    join(root, "run/layers/agent", path),
  );
  assert.deepEqual(env, {
    PYTHONPATH: `${pip}:${dir}/src:${dir}`,
    PATH: `/opt/node/bin:/usr/bin:${dir}/node_modules/.bin:${pip}/bin`,
  });
  assert.deepEqual(readable, ["/opt/node", npm, pip]);
  assert.deepEqual(writable, [`${npm}/.cache`, `${npm}/.vite`, `${npm}/.vite-temp`]);
  for (const cache of writable) assert.ok((await lstat(cache)).isDirectory());
});

for (const [ignoring, gitignore] of Object.entries({
  "says nothing": {},
  "ignores folders only": { ".gitignore": "node_modules/\n" },
  "ignores it whole": { ".gitignore": "node_modules\n" },
  "wants it in": { ".gitignore": "!node_modules\n!node_modules/**\n!**/node_modules/**\n" },
})) {
  test(`nothing at a layer's place is in the patch, also where .gitignore ${ignoring}`, async (t) => {
    const { give } = await project(t, { "packages/a/index.js": "", ...gitignore });
    const { dir, diff } = await give(NPM, NESTED);
    assert.equal(await diff(), "");
    await rm(join(dir, "node_modules"));
    assert.equal(await diff(), "", "the link is gone");
    await write(dir, { "node_modules/x/index.js": "real", "packages/a/node_modules.txt": "beside" });
    await rm(join(dir, "packages/a/node_modules"));
    await writeFile(join(dir, "packages/a/node_modules"), "a file");
    await write(dir, { "a.txt": "two\n", "src/node_modules_2/y.js": "another name" });
    const changed = [...(await diff()).matchAll(/^diff --git a\/(\S+)/gm)].map(([, path]) => path);
    assert.deepEqual(changed, ["a.txt", "packages/a/node_modules.txt", "src/node_modules_2/y.js"]);
  });
}

test("a plain folder has the same patch", async (t) => {
  const { give } = await project(t, {}, false);
  const { dir, diff } = await give(NPM);
  await write(dir, { "a.txt": "two\n" });
  assert.equal((await diff()).match(/^diff --git/gm)?.length, 1);
});

test("a project with files of its own at a layer's place keeps them, and their changes are in the patch", async (t) => {
  const { give, unpacked } = await project(t, { "node_modules/own/index.js": "1\n" });
  const { dir, diff, notes, leftOut, readable } = await give(NPM);
  assert.match(notes.join(), /not linked .* files of its own/);
  assert.deepEqual([leftOut, readable, unpacked()], [[], ["/opt/node"], 0]);
  await write(dir, { "node_modules/own/index.js": "2\n", "node_modules/new.js": "new\n" });
  assert.match(await diff(), /node_modules\/new\.js[^]*node_modules\/own\/index\.js/);
});

test("a resumed run finds its copies and links, puts a deleted link back, and replaces nothing", async (t) => {
  const { give, unpacked, root } = await project(t, { "packages/a/index.js": "" });
  const { dir } = await give(NPM, NESTED, PIP);
  await rm(join(dir, "node_modules"));
  await rm(join(dir, "packages/a/node_modules"));
  await write(dir, { "packages/a/node_modules/x.js": "the agent's" });
  const { notes } = await give(NPM, NESTED, PIP);
  assert.equal(unpacked(), 3, "each is unpacked once");
  assert.equal(nodeSays(dir, `console.log(require("dep"))`), "dep with other");
  assert.equal(await readFile(join(dir, "packages/a/node_modules/x.js"), "utf8"), "the agent's");
  assert.match(notes[1] ?? "", /not linked: something else is in its place/);
  assert.deepEqual(await readdir(join(root, "run/layers")), ["agent"], "no half copy is left");
});

test("a workspace that the agent has bent leads no link of ours out of it", async (t) => {
  const { give, root } = await project(t, { "packages/a/index.js": "" });
  const { dir } = await give(NESTED);
  const outside = join(root, "outside");
  await mkdir(join(outside, "a"), { recursive: true });
  await rm(join(dir, "packages"), { recursive: true });
  await symlink(outside, join(dir, "packages"));
  const { notes, diff } = await give(NESTED);
  assert.match(notes.join(), /its folder is a link/);
  assert.match(await diff(), /^\+\S*outside$/m);
  assert.deepEqual(await readdir(join(outside, "a")), []);
});

test("a copy that was broken off is made anew, and one that is spoilt is the agent's alone", async (t) => {
  const { give, root } = await project(t, {});
  await write(join(root, "run/layers/agent.partial"), { "half/index.js": "" });
  const { dir } = await give(NPM);
  assert.match(await readlink(join(dir, "node_modules")), /layers\/agent\/npm\/node_modules$/);
  const before = TARS.get(NPM.path)?.toString("hex");
  await writeFile(join(dir, "node_modules/dep/index.js"), `module.exports = "spoilt";`);
  await give(NPM);
  assert.equal(nodeSays(dir, `console.log(require("dep"))`), "spoilt");
  assert.equal(TARS.get(NPM.path)?.toString("hex"), before);
});
