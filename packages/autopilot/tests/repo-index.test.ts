// An index of real repositories: what it says, that everybody says the same, and
// that a tree which cannot be indexed is a failure and never a false index.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import type { RepoIndexSpec } from "@openagents/contracts";
import { checkIndex } from "@openagents/proof";
import { canonicalize, parseStrict, sha256Hex } from "@openagents/receipts";
import { snapshotBase } from "../src/git/index.ts";
import { pauseFor } from "../src/pause.ts";
import { doJob } from "../src/provider/do-job.ts";
import { makeIndex } from "../src/repo-index/index.ts";
import { createProviderMarket } from "./provider-market.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const LIMITS = { filesMax: 100, bytesMax: 10_000_000n, wallMs: 60_000n };
const JSON_FORM = { parse: parseStrict, write: canonicalize };

type Ordered = { readonly spec: RepoIndexSpec; readonly bundle: Buffer };

function git(repo: string, args: readonly string[], input: string | Buffer = ""): string {
  const settings = ["-c", "user.name=t", "-c", "user.email=t@t.invalid", "-c", "commit.gpgSign=false"];
  const ran = spawnSync("git", [...settings, ...args], { cwd: repo, input, encoding: "utf8" });
  assert.equal(ran.status, 0, ran.stderr);
  return ran.stdout.trim();
}

async function repositoryOf(
  t: TestContext,
  files: Readonly<Record<string, string | Buffer>>,
): Promise<string> {
  const repo = await temporaryFolder(t);
  git(repo, ["init", "--quiet", "--initial-branch=main"]);
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(repo, path)), { recursive: true });
    await writeFile(join(repo, path), content);
  }
  return repo;
}

async function order(t: TestContext, repo: string, limits: Partial<RepoIndexSpec> = {}): Promise<Ordered> {
  const base = await snapshotBase(repo, await temporaryFolder(t));
  const bundle = await readFile(base.bundleFile);
  const { commit: baseCommit, tree: baseTree } = base;
  return {
    spec: { baseBundleSha256: sha256Hex(bundle), baseCommit, baseTree, ...LIMITS, ...limits },
    bundle,
  };
}

/** A commit of a tree that `git add` would never make: each line is as for `mktree`. */
async function orderTree(t: TestContext, lines: (blob: string, repo: string) => Buffer): Promise<Ordered> {
  const repo = await repositoryOf(t, {});
  const blob = git(repo, ["hash-object", "-w", "--stdin"], "x\n");
  const tree = git(repo, ["hash-object", "-w", "-t", "tree", "--literally", "--stdin"], lines(blob, repo));
  git(repo, ["update-ref", "HEAD", git(repo, ["commit-tree", tree, "-m", "odd"])]);
  return order(t, repo);
}

function rawEntry(mode: string, name: string | Buffer, id: string): Buffer {
  return Buffer.concat([
    Buffer.from(`${mode} `),
    Buffer.from(name),
    Buffer.from([0]),
    Buffer.from(id, "hex"),
  ]);
}

const signal = new AbortController().signal;

async function index(t: TestContext, { spec, bundle }: Ordered) {
  return makeIndex(spec, bundle, await temporaryFolder(t), signal);
}

const FILES = {
  "README.md": "# Title\n\nlast line without an end",
  "src/a.ts": "export const a = 1;\n",
  "src/ünï — name.py": "print(1)\r\n",
  "src.d/empty": "",
  "copy/a.ts": "export const a = 1;\n",
  "data.bin": Buffer.from([0, 1, 2, 10, 255]),
};

test("an index lists each file of the tree as git and the file itself say, sorted by path", async (t) => {
  const repo = await repositoryOf(t, FILES);
  await symlink("README.md", join(repo, "link"));
  git(repo, ["add", "--all"]);
  git(repo, ["update-index", "--chmod=+x", "src/a.ts"]);
  git(repo, ["update-index", "--add", "--cacheinfo", `160000,${"a".repeat(40)},vendor`]);
  git(repo, ["commit", "--quiet", "-m", "all"]);
  const made = await index(t, await order(t, repo));

  const listed = git(repo, ["ls-tree", "-r", "-z", "HEAD"])
    .split("\0")
    .filter((line) => line !== "");
  assert.deepEqual(
    made.index.files.map(({ mode, id, path }) => `${mode} ${id} ${path}`),
    listed.map((line) => line.replace(/^(\d+) \w+ (\w+)\t/, "$1 $2 ")),
  );
  for (const file of made.index.files) {
    const content = Object.entries(FILES).find(([path]) => path === file.path)?.[1];
    if (content === undefined) continue;
    assert.equal(file.sha256, sha256Hex(Buffer.from(content)));
    assert.equal(file.bytes, Buffer.byteLength(content));
  }
  const byPath = new Map(made.index.files.map((file) => [file.path, file]));
  assert.equal(byPath.get("link")?.sha256, sha256Hex(Buffer.from("README.md")), "a link is its target");
  assert.equal(byPath.get("vendor")?.sha256, undefined, "a submodule holds nothing here");
  assert.equal(byPath.get("data.bin")?.lines, undefined);
  assert.equal(byPath.get("README.md")?.lines, 3);
  assert.equal(byPath.get("src/ünï — name.py")?.language, "python");
  assert.equal(made.bytes.toString("utf8"), canonicalize(made.index));
});

test("equal trees have equal indexes, whatever history and objects are beside them", async (t) => {
  const one = await repositoryOf(t, FILES);
  git(one, ["add", "--all"]);
  git(one, ["commit", "--quiet", "-m", "one"]);
  const other = await repositoryOf(t, { ...FILES, "gone.txt": "later removed\n" });
  git(other, ["add", "--all"]);
  git(other, ["commit", "--quiet", "-m", "first"]);
  git(other, ["rm", "--quiet", "gone.txt"]);
  git(other, ["commit", "--quiet", "-m", "second"]);
  const [a, b] = [await index(t, await order(t, one)), await index(t, await order(t, other))];
  assert.deepEqual(a.bytes, b.bytes);
});

test("attributes and settings of the tree change nothing of what is read", async (t) => {
  const repo = await repositoryOf(t, {
    ".gitattributes": "* text eol=crlf ident filter=evil\n",
    "a.txt": "$Id$\n",
  });
  git(repo, ["add", "--all"]);
  git(repo, ["commit", "--quiet", "-m", "all"]);
  const made = await index(t, await order(t, repo));
  assert.equal(
    made.index.files.find(({ path }) => path === "a.txt")?.sha256,
    sha256Hex(Buffer.from("$Id$\n")),
  );
});

test("an empty tree has an empty index", async (t) => {
  const repo = await repositoryOf(t, {});
  git(repo, ["commit", "--quiet", "--allow-empty", "-m", "nothing"]);
  const made = await index(t, await order(t, repo));
  assert.deepEqual([made.index.files, made.index.totals.files], [[], 0]);
});

test("more files, bytes or time than the job allows is a failure with its name", async (t) => {
  const repo = await repositoryOf(t, { a: "1234567890", b: "1234567890", "deep/c": "1" });
  git(repo, ["add", "--all"]);
  git(repo, ["commit", "--quiet", "-m", "all"]);
  const refused = async (limits: Partial<RepoIndexSpec>, code: string) =>
    assert.rejects(index(t, await order(t, repo, limits)), { code });
  await refused({ filesMax: 2 }, "tree_too_large");
  await refused({ bytesMax: 20n }, "tree_too_large");
  await refused({ wallMs: 0n }, "index_timeout");
  assert.equal((await index(t, await order(t, repo, { filesMax: 3, bytesMax: 21n }))).index.totals.bytes, 21);
});

test("one content in very many files is read once, and counts each time", async (t) => {
  const blob = Buffer.alloc(100_000, "a\n");
  const repo = await repositoryOf(
    t,
    Object.fromEntries(Array.from({ length: 99 }, (_, n) => [`f${n}`, blob])),
  );
  git(repo, ["add", "--all"]);
  git(repo, ["commit", "--quiet", "-m", "all"]);
  await assert.rejects(index(t, await order(t, repo, { bytesMax: 9_899_999n })), { code: "tree_too_large" });
  assert.equal(
    (await index(t, await order(t, repo, { bytesMax: 9_900_000n }))).index.totals.lines,
    99 * 50_000,
  );
});

test("a bundle that is none, or of another tree, is a failure", async (t) => {
  const repo = await repositoryOf(t, { a: "1" });
  git(repo, ["add", "--all"]);
  git(repo, ["commit", "--quiet", "-m", "all"]);
  const { spec, bundle } = await order(t, repo);
  await assert.rejects(index(t, { spec, bundle: Buffer.from("no bundle") }), { code: "bundle_invalid" });
  const other = { ...spec, baseTree: "0".repeat(40) };
  await assert.rejects(index(t, { spec: other, bundle }), { code: "base_mismatch" });
});

test("a tree that git holds and no index can say is a failure of the job, not a false index", async (t) => {
  const twice = await orderTree(t, (blob) =>
    Buffer.concat([rawEntry("100644", "a", blob), rawEntry("100644", "a", blob)]),
  );
  const latin1 = await orderTree(t, (blob) => rawEntry("100644", Buffer.from("caf\xe9", "latin1"), blob));
  const oddMode = await orderTree(t, (blob) => rawEntry("0100644", "a", blob));
  const emptyFolder = await orderTree(t, (_, repo) => {
    const none = git(repo, ["hash-object", "-w", "-t", "tree", "--stdin"]);
    return rawEntry("40000", "nothing", none);
  });
  for (const [name, each] of Object.entries({ twice, latin1, oddMode, emptyFolder })) {
    const made = await index(t, each).catch((cause: unknown) => cause);
    assert.ok(made instanceof Error && "code" in made, name);
    assert.match(String(made.code), /^(tree_unsupported|bundle_invalid)$/, name);
  }
});

test("names that would leave a folder are only text: nothing is written out", async (t) => {
  const made = await index(
    t,
    await orderTree(t, (blob, repo) => {
      const inner = git(
        repo,
        ["hash-object", "-w", "-t", "tree", "--literally", "--stdin"],
        rawEntry("100644", "x", blob),
      );
      return rawEntry("40000", "..", inner);
    }),
  );
  assert.deepEqual(
    made.index.files.map(({ path }) => path),
    ["../x"],
  );
});

test("a provider hands in an index that holds against its tree, and reports what it cannot do", async (t) => {
  const repo = await repositoryOf(t, FILES);
  git(repo, ["add", "--all"]);
  git(repo, ["commit", "--quiet", "-m", "all"]);
  const { spec, bundle } = await order(t, repo);
  const { artifacts, clients } = createProviderMarket();
  artifacts.set(spec.baseBundleSha256, bundle);
  const unused = {
    sandbox: "none",
    limitsBy: "rlimits",
    runCommands: () => assert.fail("nothing is run"),
  } as const;
  const deps = {
    artifacts: clients.artifacts,
    sandbox: unused,
    toolchains: [],
    dataDir: await temporaryFolder(t),
    pause: pauseFor,
    opinions: undefined,
  };
  const job = {
    jobId: "job_1",
    runId: "run_1",
    jobHash: "",
    status: "leased",
    quoteId: "",
    reservationId: "",
    providerWorkerId: "wrk_1",
    createdAt: 0,
    updatedAt: 0,
    purpose: "work",
    repeats: 1,
  } as const;
  const report = await doJob(deps, { ...job, repoIndex: spec }, "lease_1", signal);
  assert.ok("repoIndexResult" in report);
  const { indexSha256, indexBytes, tree, files } = report.repoIndexResult;
  const stored = artifacts.get(indexSha256);
  assert.ok(stored);
  assert.deepEqual([tree, files, indexBytes], [spec.baseTree, 6, BigInt(stored.length)]);
  assert.equal(checkIndex(stored, spec, JSON_FORM).violation, undefined);

  artifacts.set(spec.baseBundleSha256, Buffer.from("other bytes"));
  const codeOf = async (change: object) => {
    const failed = await doJob(deps, { ...job, ...change }, "lease_1", signal);
    return "failure" in failed ? failed.failure.code : undefined;
  };
  assert.equal(await codeOf({ repoIndex: spec }), "input_hash_mismatch");
  assert.equal(await codeOf({}), "work_unknown");
});
