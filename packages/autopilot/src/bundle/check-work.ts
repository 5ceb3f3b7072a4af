// The work itself: base and patch are those of the job, the legs ran in the
// trees that these make, and their outputs are the ones that were judged.

import type { PatchFile } from "@openagents/proof";
import { sha256Hex, type JsonObject } from "@openagents/receipts";
import { findCheckPaths } from "../check/index.ts";
import { artifactsNamed, outputsMissing } from "./artifacts-named.ts";
import type { Bench } from "./bench.ts";
import { NotChecked, type Problems } from "./claims.ts";
import { listOf, objectOf, objectsOf, textOf } from "./json-view.ts";
import { ARTIFACTS_FOLDER, BASE_FILE, PATCH_FILE, type BundleFiles } from "./layout.ts";
import type { Attempt } from "./story.ts";

export async function checkBase(
  bench: Bench | undefined,
  files: BundleFiles,
  problems: Problems,
): Promise<string> {
  if (bench === undefined) throw new NotChecked("no job of this run names a base");
  sameFile(files, BASE_FILE, bench.spec().baseBundleSha256, problems);
  const base = await bench.openBase();
  return `commit ${base.commit} with tree ${base.tree}, without history`;
}

export async function checkPatch(
  bench: Bench | undefined,
  files: BundleFiles,
  problems: Problems,
): Promise<string> {
  if (bench === undefined) throw new NotChecked("no job of this run names a patch");
  sameFile(files, PATCH_FILE, bench.spec().patchSha256, problems);
  const { files: changed, patchedTree, classification } = await bench.openPlan();
  const { testPaths, guardPaths } = classification;
  await checkStarted(bench, changed, problems);
  const count = `${changed.length} ${changed.length === 1 ? "file" : "files"}`;
  const { checkPaths } = bench.spec();
  const named = checkPaths.length === 0 ? "" : `; ${checkPaths.join(", ")} started by the check`;
  const kinds = `${testPaths.length} of them tests, ${guardPaths.length} guarded${named}`;
  return `${count}, ${kinds}; applies to the base and makes tree ${patchedTree}`;
}

/**
 * What the check starts, computed again: the job must name each such file that the
 * patch changes. Of the others a later release may find more, which takes nothing
 * from this verdict.
 */
async function checkStarted(bench: Bench, changed: readonly PatchFile[], problems: Problems): Promise<void> {
  const { commands, checkPaths } = bench.spec();
  const started = new Set(await findCheckPaths(await bench.openBase(), commands));
  for (const path of changed.flatMap(({ path, oldPath }) =>
    oldPath === undefined ? [path] : [path, oldPath],
  )) {
    if (started.has(path) && !checkPaths.includes(path))
      problems.add(`the check starts ${path}, which the patch changes and the job does not name`);
  }
}

/** The legs say which trees they ran in; these are the only ones that base and patch can make. */
export async function checkTrees(benches: readonly Bench[], problems: Problems): Promise<string> {
  let told = "";
  for (const [index, bench] of benches.entries()) {
    const { verification = {} } = bench.attempt;
    const attempt = benches.length === 1 ? "" : ` of attempt ${index + 1}`;
    if (!counts(verification)) continue;
    for (const run of ["result", "second_result"]) {
      const legs = objectsOf(objectOf(verification, run), "legs");
      if (legs.length === 0) continue;
      const whose = run === "result" ? attempt : `${attempt} in the second run`;
      const wanted = await treesOf(bench);
      for (const leg of legs) {
        const name = textOf(leg, "leg");
        const what = `the tree of the ${name || "nameless"} leg${whose}`;
        problems.same(what, textOf(leg, "tree"), wanted.get(name) ?? "none");
      }
      for (const name of wanted.keys()) {
        if (!legs.some((leg) => textOf(leg, "leg") === name)) problems.add(`there is no ${name} leg${whose}`);
      }
      if (run === "result")
        told = [...wanted].map(([name, tree]) => `${name} ${tree.slice(0, 12)}`).join(", ");
    }
  }
  if (told === "") throw new NotChecked("no leg was run that counts");
  return told;
}

/** Results that the operator threw out, or of which one is false, need not be of this job's trees. */
function counts(verification: JsonObject): boolean {
  return listOf(verification, "violations").length === 0 && verification["disagreement"] !== true;
}

async function treesOf(bench: Bench): Promise<ReadonlyMap<string, string>> {
  const { baseTree, patchedTree, guard } = await bench.openPlan();
  const trees = new Map([
    ["base", baseTree],
    ["patched", patchedTree],
  ]);
  if (guard.kind === "needed") trees.set("guard", guard.tree);
  return trees;
}

/** What the receipts name by hash is here, and nothing else is. */
export function checkOutputs(files: BundleFiles, attempts: readonly Attempt[], problems: Problems): string {
  const folder = `${ARTIFACTS_FOLDER}/`;
  const present = new Set(
    [...files.keys()].filter((path) => path.startsWith(folder)).map((path) => path.slice(folder.length)),
  );
  const { outputs, inputs, layers } = artifactsNamed(attempts);
  const named = new Set([...outputs, ...inputs, ...layers]);
  for (const sha256 of present) {
    const actual = sha256Hex(files.get(folder + sha256) ?? Buffer.alloc(0));
    problems.same(`the hash of ${folder}${sha256}`, actual, sha256);
    if (!named.has(sha256)) problems.add(`nothing names the output ${sha256}`);
  }
  const missingThen = outputsMissing(attempts);
  for (const sha256 of outputs) {
    if (!present.has(sha256) && !missingThen.has(sha256)) problems.add(`output ${sha256} is missing`);
  }
  for (const sha256 of inputs) if (!present.has(sha256)) problems.add(`input ${sha256} is missing`);
  if (named.size === 0) throw new NotChecked("no outputs in this run");
  const left = layers.filter((sha256) => !present.has(sha256));
  const without = left.length === 0 ? "" : `; not carried: layers ${left.join(", ")}`;
  return `${present.size} artifacts have the hashes that the receipts name${without}`;
}

function sameFile(files: BundleFiles, path: string, sha256: string, problems: Problems): void {
  const bytes = files.get(path);
  if (bytes === undefined) problems.add(`${path} is missing`);
  else problems.same(`the hash of ${path}`, sha256Hex(bytes), sha256);
}
