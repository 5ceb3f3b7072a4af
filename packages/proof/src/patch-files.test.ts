import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { PatchError, type PatchRefusal } from "./patch-error.ts";
import { patchFiles } from "./patch-files.ts";

/** A repository in a temporary folder, and what git says changed in it. */
function repository(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), "openagents-proof-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@localhost", ...args], {
      cwd: dir,
      encoding: "utf8",
      env: { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" },
    });
  git("init", "-q");
  return {
    dir,
    write(path: string, content: string | Buffer) {
      mkdirSync(join(dir, path, ".."), { recursive: true });
      writeFileSync(join(dir, path), content);
    },
    commit() {
      git("add", "-A");
      git("commit", "-q", "-m", "base");
    },
    diff(...args: string[]) {
      git("add", "-A");
      return git("diff", "--cached", "--binary", ...args);
    },
  };
}

function refusal(diff: string): PatchRefusal | "accepted" {
  try {
    patchFiles(diff);
    return "accepted";
  } catch (error) {
    assert.ok(error instanceof PatchError, String(error));
    return error.code;
  }
}

const lines = (count: number) => Array.from({ length: count }, (_, index) => `line ${index}\n`).join("");

test("everything that git writes is read", (t) => {
  const repo = repository(t);
  repo.write("modified file.txt", lines(40));
  repo.write("deleted.txt", "no newline");
  repo.write("old/name.txt", lines(20));
  repo.write("old/same.txt", lines(60).slice(200));
  repo.write("mode.sh", "#!/bin/sh\n");
  repo.write("bin.dat", Buffer.from(Array.from({ length: 3000 }, (_, index) => (index * 7919) % 251)));
  repo.write("empty-gone", "");
  repo.write("looks-like-a-diff", "-- a/../../etc/passwd\nx\n");
  repo.commit();

  repo.write(
    "modified file.txt",
    lines(40).replace("line 1\n", "changed\n").replace("line 30\n", "") + "tail",
  );
  rmSync(join(repo.dir, "deleted.txt"));
  rmSync(join(repo.dir, "empty-gone"));
  mkdirSync(join(repo.dir, "new"));
  renameSync(join(repo.dir, "old/name.txt"), join(repo.dir, 'new/"näme".txt'));
  repo.write('new/"näme".txt', lines(20) + "more\n");
  renameSync(join(repo.dir, "old/same.txt"), join(repo.dir, "new/same but moved.txt"));
  chmodSync(join(repo.dir, "mode.sh"), 0o755);
  repo.write("bin.dat", Buffer.from(Array.from({ length: 3000 }, (_, index) => (index * 104_729) % 253)));
  repo.write("empty", "");
  repo.write("added \\ back.txt", "x");
  repo.write("日本.txt", "x\n");
  // Removing this line writes `--- a/../../etc/passwd` into the hunk.
  repo.write("looks-like-a-diff", "++ b/../../etc/passwd\nx\n");

  const expected = [
    { path: "added \\ back.txt", status: "added" },
    { path: "bin.dat", status: "modified" },
    { path: "deleted.txt", status: "deleted" },
    { path: "empty", status: "added" },
    { path: "empty-gone", status: "deleted" },
    { path: "looks-like-a-diff", status: "modified" },
    { path: "mode.sh", status: "modified" },
    { path: "modified file.txt", status: "modified" },
    { path: 'new/"näme".txt', status: "renamed", oldPath: "old/name.txt" },
    { path: "new/same but moved.txt", status: "renamed", oldPath: "old/same.txt" },
    { path: "日本.txt", status: "added" },
  ];
  const byPath = (diff: string) => patchFiles(diff).toSorted((a, b) => (a.path < b.path ? -1 : 1));
  // An empty file that goes and one that comes are a rename to git as well.
  const options = ["-M", "--no-rename-empty"];
  assert.deepEqual(byPath(repo.diff(...options)), expected);
  assert.deepEqual(byPath(repo.diff(...options, "--full-index", "-U0")), expected);
});

test("an empty diff touches nothing", () => {
  assert.deepEqual(patchFiles(""), []);
});

test("symbolic links and submodules are refused, except to delete a link", (t) => {
  const repo = repository(t);
  symlinkSync("/etc/passwd", join(repo.dir, "link"));
  assert.equal(refusal(repo.diff()), "patch_mode_refused");
  repo.commit();
  rmSync(join(repo.dir, "link"));
  assert.deepEqual(patchFiles(repo.diff()), [{ path: "link", status: "deleted" }]);
  symlinkSync("/etc/shadow", join(repo.dir, "link"));
  assert.equal(refusal(repo.diff()), "patch_mode_refused");
  const submodule = `diff --git a/s b/s\nnew file mode 160000\nindex 0000000..1234567\n--- /dev/null\n+++ b/s\n@@ -0,0 +1 @@\n+Subproject commit 1\n`;
  assert.equal(refusal(submodule), "patch_mode_refused");
});

const added = (raw: string, name = raw) =>
  `diff --git ${name.replace(/^("?)/, "$1a/")} ${name.replace(/^("?)/, "$1b/")}\nnew file mode 100644\nindex 0000000..1234567\n`;

test("paths that leave the tree, enter .git, or are not plain text are refused", () => {
  assert.equal(refusal(added("ok/file.txt")), "accepted");
  assert.equal(refusal(added(".gitignore")), "accepted");
  const paths = [
    "/etc/passwd",
    "../x",
    "a/../../x",
    "a/..",
    "./x",
    "a//b",
    "a/",
    "",
    ".git/config",
    "a/.git/hooks/x",
    ".GIT/config",
    ".git",
    "git~1/config",
    ".git./x",
    '"a\\000b"',
    '"a\\nb"',
    '"a\\033[0m"',
    '"\\377\\376"',
    "a\ufffdb",
    '"bad\\x"',
    '"open',
    "x".repeat(256),
    "y/".repeat(2100) + "y",
  ];
  for (const path of paths) assert.equal(refusal(added(path)), "patch_path_refused", JSON.stringify(path));
});

const modified = [
  "diff --git a/f b/f",
  "index 1234567..89abcde 100644",
  "--- a/f",
  "+++ b/f",
  "@@ -1,2 +1,2 @@ somewhere",
  " one",
  "-two",
  "+three",
  "",
].join("\n");

test("what git apply would skip or read otherwise is refused", () => {
  assert.equal(refusal(modified), "accepted");
  const replaced = (from: string, to: string) => modified.replace(from, to);
  const malformed: Record<string, string> = {
    "text before the first file": `hello\n${modified}`,
    "text after the last hunk": `${modified}hello\n`,
    "a traditional patch behind a git one": `${modified}--- a/g\n+++ b/g\n@@ -0,0 +1 @@\n+x\n`,
    "no last newline": modified.slice(0, -1),
    "a hunk that is too short": replaced("-1,2 +1,2", "-1,3 +1,3"),
    "a hunk that is too long": replaced("-1,2 +1,2", "-1,1 +1,1"),
    "a hunk with more new lines than announced": replaced("-1,2 +1,2", "-1,2 +1,0").replace("+three\n", ""),
    "an empty hunk": replaced("-1,2 +1,2", "-1,0 +1,0"),
    "a bare empty line as context": replaced("\n one", "\n"),
    "another name at ---": replaced("--- a/f", "--- a/g"),
    "another name at +++": replaced("+++ b/f", "+++ b/g"),
    "an addition that is not announced": replaced("--- a/f", "--- /dev/null"),
    "two names without a rename": replaced("a/f b/f", "a/f b/g"),
    "no prefixes": modified.replaceAll("a/f", "f").replaceAll("b/f", "f"),
    "the same file twice": modified + modified,
    "no change": "diff --git a/f b/f\n",
    "half a rename": replaced("index", "rename from f\nindex"),
    "a copy": replaced("index", "copy from f\ncopy to g\nindex"),
    "a line twice": replaced("index", "index 1234567..89abcde 100644\nindex"),
    "a binary file without its content": "diff --git a/f b/f\nindex 1..2\nBinary files a/f and b/f differ\n",
    "a binary patch that is cut off":
      "diff --git a/f b/f\nindex 1234567..89abcde 100644\nGIT binary patch\nliteral 3\n",
    "a binary patch that is not base 85":
      "diff --git a/f b/f\nGIT binary patch\nliteral 3\nKc\n\nliteral 0\nHcmV?d00001\n\n",
    "carriage returns": modified.replaceAll("\n", "\r\n"),
  };
  for (const [what, diff] of Object.entries(malformed)) assert.equal(refusal(diff), "patch_malformed", what);
  assert.equal(refusal(replaced("100644", "100600")), "patch_mode_refused");
});

test("the refusal says at which line the reading stopped", () => {
  assert.throws(() => patchFiles(`${modified}hello\n`), {
    name: "PatchError",
    line: 9,
    message: /^line 9: /,
  });
});
