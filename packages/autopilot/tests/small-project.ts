// A small project of node:test, changes to it, and the job that checks a change.

import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import type { SandboxRunSpec } from "@openagents/contracts";
import { classifyPatch, parseCheckConfig, patchFiles } from "@openagents/proof";
import { sha256Hex } from "@openagents/receipts";
import { findCheckPaths } from "../src/check/index.ts";
import { checkOut, diffFolder, openBundle, runGit, snapshotBase } from "../src/git/index.ts";
import { planLegs, type LegPlan } from "../src/legs/index.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const TREE_BYTES_MAX = 1024 * 1024;

/** `sum` is wrong on the base; `same` is right. */
export const PROJECT: Readonly<Record<string, string>> = {
  "package.json": `{"name":"small","type":"module","scripts":{"test":"node --test"}}\n`,
  "src/sum.js": "export const sum = (a, b) => a - b;\nexport const same = (a) => a;\n",
  "test/sum.test.js": testFile("sum", "assert.equal(sum(1, 2), 3)"),
  "test/same.test.js": testFile("same", "assert.equal(same(1), 1)"),
};

export const FIXED = "export const sum = (a, b) => a + b;\nexport const same = (a) => a;\n";

export function testFile(name: string, body: string): string {
  return `import assert from "node:assert/strict";\nimport { test } from "node:test";\nimport { ${name} } from "../src/sum.js";\ntest("${name} is right", () => ${body});\n`;
}

/** A path's new content, `undefined` to delete it, or `{ to }` to rename it. */
export type Changes = Readonly<Record<string, string | undefined | { readonly to: string }>>;

export type SmallJob = {
  readonly spec: SandboxRunSpec;
  readonly inputs: ReadonlyMap<string, Buffer>;
  readonly patch: Buffer;
  readonly bundle: Buffer;
};

/** The job of checking a change to the project by `node --test`. */
export async function smallJob(
  t: TestContext,
  changes: Changes,
  options: {
    readonly project?: Readonly<Record<string, string>>;
    readonly spec?: Partial<SandboxRunSpec>;
    /** By exit code alone when false. */
    readonly byTests?: boolean;
    /** Let git find renames, as another maker of patches may. */
    readonly findRenames?: boolean;
    /** Leave the base's configuration out when false, such as one that cannot be read. */
    readonly config?: boolean;
  } = {},
): Promise<SmallJob> {
  const project = options.project ?? PROJECT;
  const repo = await temporaryFolder(t);
  await runGit(["init", "--quiet"], { cwd: repo });
  await writeFiles(repo, project);
  await runGit(["add", "--all", "--force", "."], { cwd: repo });
  await runGit(["commit", "--quiet", "--message", "x"], { cwd: repo });
  const base = await snapshotBase(repo, await temporaryFolder(t));
  const bundle = await readFile(base.bundleFile);
  const work = join(await temporaryFolder(t), "work");
  await checkOut(base, work);
  for (const [path, change] of Object.entries(changes)) {
    if (typeof change === "string") await writeFiles(work, { [path]: change });
    else if (change === undefined) await rm(join(work, path));
    else {
      await mkdir(dirname(join(work, change.to)), { recursive: true });
      await rename(join(work, path), join(work, change.to));
    }
  }
  let patch = await diffFolder(base, work);
  if (options.findRenames === true) {
    const call = { cwd: work, gitDir: base.gitDir, workTree: work, indexFile: `${work}.index` };
    patch = await runGit(["diff", "--cached", "--binary", "--full-index", "-M", base.tree], call);
  }
  const configText = options.config === false ? undefined : project[".openagents/config.json"];
  const config = configText === undefined ? undefined : parseCheckConfig(configText);
  const commands = options.spec?.commands ?? ["node --test"];
  const checkPaths = await findCheckPaths(base, commands);
  const { testPaths, guardPaths } = classifyPatch(patchFiles(patch.toString("utf8")), config, checkPaths);
  const spec: SandboxRunSpec = {
    baseBundleSha256: sha256Hex(bundle),
    baseCommit: base.commit,
    baseTree: base.tree,
    patchSha256: sha256Hex(patch),
    patchTestPaths: testPaths,
    guardPaths,
    checkPaths,
    ...(configText === undefined ? {} : { configSha256: sha256Hex(Buffer.from(configText)) }),
    commands,
    limits: {
      wallMs: 30_000n,
      cpuMs: 30_000n,
      memoryMib: 512,
      pids: 128,
      diskMib: 32,
      outputBytes: 1_048_576n,
    },
    toolchains: [{ name: "node", versionMin: "20" }],
    layers: [],
    ...(options.byTests === false ? {} : { testRunner: "node_test" as const }),
    ...options.spec,
  };
  const inputs = new Map([patch, bundle].map((bytes) => [sha256Hex(bytes), bytes]));
  return { spec, inputs, patch, bundle };
}

/** The trees of the job's legs, computed apart from running them. */
export async function planOf(t: TestContext, job: SmallJob): Promise<LegPlan> {
  const folder = await temporaryFolder(t);
  const bundleFile = join(folder, "input.bundle");
  await writeFile(bundleFile, job.bundle);
  const expected = { commit: job.spec.baseCommit, tree: job.spec.baseTree };
  return planLegs(await openBundle(bundleFile, folder, expected, TREE_BYTES_MAX), job.spec, job.patch);
}

export async function writeFiles(dir: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), content, { mode: content.startsWith("#!") ? 0o755 : 0o644 });
  }
}
