import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import {
  checkOut,
  diffFolder,
  openBundle,
  patchedTree,
  readBaseFile,
  restoredTree,
  runGit,
  runGitText,
  snapshotBase,
  type Base,
  type BaseBundle,
} from "./index.ts";

const TREE_BYTES_MAX = 1024 * 1024;

async function folder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "git-"));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

async function repository(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const dir = await folder(t);
  await runGit(["init", "--quiet"], { cwd: dir });
  for (const [path, content] of Object.entries(files)) await put(dir, path, content);
  await commitAll(dir);
  return dir;
}

async function put(dir: string, path: string, content: string): Promise<void> {
  await mkdir(join(dir, path, ".."), { recursive: true });
  await writeFile(join(dir, path), content);
}

async function commitAll(dir: string): Promise<void> {
  await runGit(["add", "--all", "--force", "."], { cwd: dir });
  await runGit(["commit", "--quiet", "--message", "x"], { cwd: dir });
}

async function workspaceOf(t: TestContext, files: Readonly<Record<string, string>>) {
  const base = await snapshotBase(await repository(t, files), await folder(t));
  const dir = join(await folder(t), "work");
  await checkOut(base, dir);
  return { base, dir };
}

/** The tree of base and patch, in a new folder. */
async function applied(base: Base, dir: string, part: Parameters<typeof patchedTree>[1]): Promise<string> {
  const tree = await patchedTree(base, part);
  await checkOut(base, dir, undefined, tree);
  return tree;
}

async function reopened(t: TestContext, base: BaseBundle) {
  return openBundle(base.bundleFile, await folder(t), base, TREE_BYTES_MAX);
}

test("equal trees have the equal base commit, whatever their history", async (t) => {
  const first = await repository(t, { "a.txt": "1\n" });
  const second = await repository(t, { "a.txt": "0\n" });
  await put(second, "a.txt", "1\n");
  await commitAll(second);
  const [one, two] = [
    await snapshotBase(first, await folder(t)),
    await snapshotBase(second, await folder(t)),
  ];
  assert.equal(one.commit, two.commit);
  assert.equal(one.tree, two.tree);
});

test("a bundle carries the base tree and no history", async (t) => {
  const repo = await repository(t, { "secret.txt": "old secret\n", "a.txt": "1\n" });
  await rm(join(repo, "secret.txt"));
  await commitAll(repo);
  const base = await snapshotBase(repo, await folder(t));
  const opened = await reopened(t, base);
  const objects = await runGitText(["cat-file", "--batch-all-objects", "--batch-check=%(objecttype)"], {
    cwd: opened.gitDir,
    gitDir: opened.gitDir,
  });
  assert.deepEqual(objects.split("\n").toSorted(), ["blob", "commit", "tree"]);
});

test("taking a base leaves the user's repository byte for byte as it was", async (t) => {
  const repo = await repository(t, { "a.txt": "1\n" });
  await put(repo, "a.txt", "uncommitted\n");
  const before = await readdir(repo, { recursive: true });
  const base = await snapshotBase(repo, await folder(t));
  assert.deepEqual(await readdir(repo, { recursive: true }), before);
  assert.equal(await readFile(join(repo, "a.txt"), "utf8"), "uncommitted\n");
  const dir = join(await folder(t), "work");
  await checkOut(base, dir);
  assert.equal(await readFile(join(dir, "a.txt"), "utf8"), "1\n", "the base is what was committed");
});

test("what cannot be a base is refused by name", async (t) => {
  await assert.rejects(snapshotBase(await folder(t), await folder(t)), { code: "not_a_repository" });
  const empty = await folder(t);
  await runGit(["init", "--quiet"], { cwd: empty });
  await assert.rejects(snapshotBase(empty, await folder(t)), { code: "repository_empty" });
});

test("a bundle that is not the promised base is refused", async (t) => {
  const repo = await repository(t, { "a.txt": "1\n" });
  const base = await snapshotBase(repo, await folder(t));
  const other = "0".repeat(40);
  const open = async (
    expected: { commit: string; tree: string },
    bytesMax = TREE_BYTES_MAX,
    file = base.bundleFile,
  ) => openBundle(file, await folder(t), expected, bytesMax);
  await assert.rejects(open({ ...base, tree: other }), { code: "base_mismatch" });
  await assert.rejects(open({ ...base, commit: other }), { code: "bundle_invalid" });
  await assert.rejects(open(base, 1), { code: "tree_too_large" });

  const cut = join(await folder(t), "cut.bundle");
  await writeFile(cut, (await readFile(base.bundleFile)).subarray(0, -30));
  await assert.rejects(open(base, TREE_BYTES_MAX, cut), { code: "bundle_invalid" });
  await writeFile(cut, "not a bundle");
  await assert.rejects(open(base, TREE_BYTES_MAX, cut), { code: "bundle_invalid" });

  await put(repo, "a.txt", "2\n");
  await commitAll(repo);
  const commit = await runGitText(["rev-parse", "HEAD"], { cwd: repo });
  const tree = await runGitText(["rev-parse", "HEAD^{tree}"], { cwd: repo });
  await runGit(["bundle", "create", "--quiet", cut, "HEAD"], { cwd: repo });
  await assert.rejects(
    open({ commit, tree }, TREE_BYTES_MAX, cut),
    { code: "base_mismatch" },
    "history is refused",
  );
});

test("a patch taken from a folder makes the same tree again from the bundle", async (t) => {
  const { base, dir } = await workspaceOf(t, {
    "keep.txt": "same\n",
    "edit.txt": "old\n",
    "gone.txt": "x\n",
    ".gitignore": "build/\n",
    "with space [1]*.txt": "1\n",
  });
  assert.equal((await diffFolder(base, dir)).length, 0, "no change, no patch");
  await put(dir, "edit.txt", "new, no newline at the end");
  await put(dir, "new/ü.bin", "\0\u0001binary");
  await put(dir, "with space [1]*.txt", "2\n");
  await put(dir, "build/out.js", "ignored\n");
  await put(dir, "run.sh", "#!/bin/sh\n");
  await chmod(join(dir, "run.sh"), 0o755);
  await rm(join(dir, "gone.txt"));
  const patch = await diffFolder(base, dir);
  assert.deepEqual(await diffFolder(base, dir), patch, "the same change has the same bytes");

  const opened = await reopened(t, base);
  const again = join(await folder(t), "leg");
  await applied(opened, again, { patch });
  const files = (await readdir(again, { recursive: true })).toSorted();
  assert.deepEqual(files, [
    ".gitignore",
    "edit.txt",
    "keep.txt",
    "new",
    "new/ü.bin",
    "run.sh",
    "with space [1]*.txt",
  ]);
  assert.equal(await readFile(join(again, "edit.txt"), "utf8"), "new, no newline at the end");
  assert.equal((await diffFolder(opened, again)).compare(patch), 0);
});

test("part of a patch applies by exact path, never by pattern", async (t) => {
  const { base, dir } = await workspaceOf(t, { "t[1].js": "1\n", "t1.js": "1\n", "src.js": "1\n" });
  for (const path of ["t[1].js", "t1.js", "src.js"]) await put(dir, path, "2\n");
  const patch = await diffFolder(base, dir);
  const part = join(await folder(t), "part");
  await applied(base, part, { patch, onlyPaths: ["t[1].js"] });
  assert.equal(await readFile(join(part, "t[1].js"), "utf8"), "2\n");
  assert.equal(await readFile(join(part, "t1.js"), "utf8"), "1\n");
  assert.equal(await readFile(join(part, "src.js"), "utf8"), "1\n");
  assert.equal(await patchedTree(base, { patch, onlyPaths: [] }), base.tree);
});

test("a patch that does not fit exactly changes nothing", async (t) => {
  const { base, dir } = await workspaceOf(t, { "a.txt": "1\n2\n3\n", "b.txt": "1\n" });
  await put(dir, "a.txt", "1\nx\n3\n");
  await put(dir, "b.txt", "2\n");
  const patch = (await diffFolder(base, dir)).toString().replace("-1\n+2\n", "-9\n+2\n");
  await assert.rejects(patchedTree(base, { patch: Buffer.from(patch) }), { code: "patch_does_not_apply" });
  const leg = join(await folder(t), "leg");
  await checkOut(base, leg);
  assert.equal(await readFile(join(leg, "a.txt"), "utf8"), "1\n2\n3\n");
});

test("a patch cannot write outside the tree, into .git, or through a link", async (t) => {
  const outside = await folder(t);
  const repo = await repository(t, { "a.txt": "1\n" });
  await symlink(outside, join(repo, "link"));
  await commitAll(repo);
  const base = await snapshotBase(repo, await folder(t));
  for (const path of ["../out.txt", ".git/hooks/x", "link/out.txt", "/tmp/out.txt"]) {
    const leg = join(await folder(t), "leg");
    await checkOut(base, leg);
    const patch = Buffer.from(
      `diff --git a/${path} b/${path}\nnew file mode 100644\n--- /dev/null\n+++ b/${path}\n@@ -0,0 +1 @@\n+x\n`,
    );
    await assert.rejects(applied(base, leg, { patch }), { code: "patch_does_not_apply" }, path);
  }
  assert.deepEqual(await readdir(outside), []);
});

test("nothing in a tree makes git run anything", async (t) => {
  const trap = join(await folder(t), "ran");
  const { base, dir } = await workspaceOf(t, {
    "a.txt": "1\n",
    ".gitattributes": "* filter=trap diff=trap\n",
  });
  await runGit(["init", "--quiet"], { cwd: dir });
  for (const setting of ["filter.trap.clean", "diff.trap.command", "core.fsmonitor"]) {
    await runGit(["config", setting, `touch ${trap}`], { cwd: dir });
  }
  await put(dir, "a.txt", "2\n");
  assert.match((await diffFolder(base, dir)).toString(), /^\+2$/m);
  await assert.rejects(readFile(trap), { code: "ENOENT" });
});

test("an aborted git ends with the signal's reason", async (t) => {
  const repo = await repository(t, { "a.txt": "1\n" });
  await assert.rejects(snapshotBase(repo, await folder(t), AbortSignal.abort()), { name: "AbortError" });
});

test("restored paths are as on the base, whatever the patch put in their way", async (t) => {
  const { base, dir } = await workspaceOf(t, {
    "src.js": "1\n",
    "edited.js": "1\n",
    "gone.js": "1\n",
    "was-file": "1\n",
    "was-folder/a.js": "1\n",
    "mode.sh": "1\n",
    "[x]*.js": "1\n",
  });
  await put(dir, "src.js", "2\n");
  await put(dir, "edited.js", "2\n");
  await put(dir, "new.js", "2\n");
  await put(dir, "unwanted.js", "2\n");
  await put(dir, "[x]*.js", "2\n");
  await chmod(join(dir, "mode.sh"), 0o755);
  for (const path of ["gone.js", "was-file", "was-folder"]) await rm(join(dir, path), { recursive: true });
  await put(dir, "was-file/b.js", "2\n");
  await put(dir, "was-folder", "2\n");
  const patched = await patchedTree(base, { patch: await diffFolder(base, dir) });
  const restore = ["edited.js", "gone.js", "was-file", "was-folder/a.js", "mode.sh", "[x]*.js", "never.js"];
  const tree = await restoredTree(base, patched, { restore, remove: ["unwanted.js"] });
  const listed = async (id: string) =>
    (await runGitText(["ls-tree", "-r", id], { cwd: base.gitDir, gitDir: base.gitDir })).split("\n");
  const kept = (await listed(base.tree)).filter((line) => !line.endsWith("\tsrc.js"));
  const changed = (await listed(patched)).filter((line) => /\t(?:src|new)\.js$/.test(line));
  assert.deepEqual((await listed(tree)).toSorted(), [...kept, ...changed].toSorted());
  assert.equal(await restoredTree(base, patched, { restore: ["never.js"], remove: [] }), patched);
});

test("a file of the base is read by its exact path and only up to a size", async (t) => {
  const { base } = await workspaceOf(t, { ".openagents/config.json": "{}\n", "a[1]": "x" });
  const read = async (path: string) => (await readBaseFile(base, path, 10))?.toString();
  assert.equal(await read(".openagents/config.json"), "{}\n");
  assert.equal(await read("a[1]"), "x");
  assert.equal(await read("a*"), undefined);
  assert.equal(await read(".openagents"), undefined, "a folder is no file");
  await assert.rejects(readBaseFile(base, ".openagents/config.json", 2), { code: "git_output_too_large" });
});
