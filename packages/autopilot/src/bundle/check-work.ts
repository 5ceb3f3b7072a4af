// The work itself, redone as far as that goes without running anything: the
// base from its bundle, the patch applied to it, the trees that the legs must
// have had, and the verdict that their results give.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { classifyPatch, decideVerdict, patchFiles, type LegOutcome } from "@openagents/proof";
import { sha256Hex, type JsonObject } from "@openagents/receipts";
import { openBundle, patchedTree, type Base, type PatchPart } from "../git/index.ts";
import { NotChecked, type Problems } from "./claims.ts";
import { numberOf, objectOf, objectsOf, textOf, textsOf } from "./json-view.ts";
import { ARTIFACTS_FOLDER, BASE_FILE, BYTES_MAX, PATCH_FILE, type BundleFiles } from "./layout.ts";
import { outputsNamed } from "./outputs.ts";

/** A temporary folder with the base in it. */
export type Bench = AsyncDisposable & {
  /** Opened once; throws the same again when it cannot be. */
  openBase(): Promise<Base>;
};

export function openBench(files: BundleFiles, spec: JsonObject | undefined): Bench {
  let folder: string | undefined;
  let base: Promise<Base> | undefined;
  const open = async (): Promise<Base> => {
    const bundle = files.get(BASE_FILE);
    if (spec === undefined) throw new NotChecked("no job of this run names a base");
    if (bundle === undefined) throw new Error(`${BASE_FILE} is missing`);
    folder = await mkdtemp(join(tmpdir(), "openagents-verify-"));
    const bundleFile = join(folder, "input.bundle");
    await writeFile(bundleFile, bundle);
    const expected = { commit: textOf(spec, "base_commit"), tree: textOf(spec, "base_tree") };
    if (![expected.commit, expected.tree].every((id) => /^[0-9a-f]{40}$/.test(id))) {
      throw new Error("the job names no base commit and tree");
    }
    return openBundle(bundleFile, folder, expected, BYTES_MAX);
  };
  return {
    openBase: () => (base ??= open()),
    async [Symbol.asyncDispose]() {
      if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function checkBase(
  bench: Bench,
  files: BundleFiles,
  spec: JsonObject | undefined,
  problems: Problems,
): Promise<string> {
  const base = await bench.openBase();
  problems.same(
    `the hash of ${BASE_FILE}`,
    sha256Hex(files.get(BASE_FILE) ?? Buffer.alloc(0)),
    textOf(spec ?? {}, "base_bundle_sha256"),
  );
  return `commit ${base.commit} with tree ${base.tree}, without history`;
}

export async function checkPatch(
  bench: Bench,
  files: BundleFiles,
  spec: JsonObject | undefined,
  problems: Problems,
): Promise<string> {
  if (spec === undefined) throw new NotChecked("no job of this run names a patch");
  const patch = requirePatch(files);
  problems.same(`the hash of ${PATCH_FILE}`, sha256Hex(patch), textOf(spec, "patch_sha256"));
  const changed = patchFiles(patch.toString("utf8"));
  const { testPaths } = classifyPatch(changed);
  problems.same(
    "the patch's tests",
    testPaths.join("\n") || "none",
    textsOf(spec, "patch_test_paths").join("\n") || "none",
  );
  const tree = await patchedTree(await bench.openBase(), { patch });
  return `${changed.length} ${changed.length === 1 ? "file" : "files"}; applies to the base and makes tree ${tree}`;
}

/** The legs say which trees they ran in; these are the only ones that base and patch can make. */
export async function checkTrees(
  bench: Bench,
  files: BundleFiles,
  spec: JsonObject | undefined,
  verification: JsonObject | undefined,
  problems: Problems,
): Promise<string> {
  const legs = legsOf(verification);
  if (spec === undefined || legs.length === 0) throw new NotChecked("no leg was run");
  const patch = requirePatch(files);
  const base = await bench.openBase();
  const parts: Readonly<Record<string, PatchPart>> = {
    base: { patch, onlyPaths: textsOf(spec, "patch_test_paths") },
    patched: { patch },
  };
  for (const leg of legs) {
    const name = textOf(leg, "leg");
    const part = Object.hasOwn(parts, name) ? parts[name] : undefined;
    if (part === undefined) problems.add(`there is a leg ${name || "without a name"}`);
    else problems.same(`the tree of the ${name} leg`, textOf(leg, "tree"), await patchedTree(base, part));
  }
  return legs.map((leg) => `${textOf(leg, "leg")} ${textOf(leg, "tree").slice(0, 12)}`).join(", ");
}

/** The outputs that the verification names are here, and nothing else is. */
export function checkOutputs(
  files: BundleFiles,
  verification: JsonObject | undefined,
  problems: Problems,
): string {
  const folder = `${ARTIFACTS_FOLDER}/`;
  const present = new Set(
    [...files.keys()].filter((path) => path.startsWith(folder)).map((path) => path.slice(folder.length)),
  );
  const named = new Set(verification === undefined ? [] : outputsNamed(verification));
  const missingThen = new Set(verification === undefined ? [] : textsOf(verification, "violations"));
  for (const sha256 of present) {
    problems.same(
      `the hash of ${folder}${sha256}`,
      sha256Hex(files.get(folder + sha256) ?? Buffer.alloc(0)),
      sha256,
    );
    if (!named.has(sha256)) problems.add(`nothing names the output ${sha256}`);
  }
  for (const sha256 of named) {
    if (!present.has(sha256) && !missingThen.has(`output_missing:${sha256}`))
      problems.add(`output ${sha256} is missing`);
  }
  if (named.size === 0) throw new NotChecked("no outputs in this run");
  return `${present.size} outputs have the hashes that the verification names`;
}

/** The verdict again, from the legs' results, the job's commands and the patch. */
export function checkVerdict(
  files: BundleFiles,
  spec: JsonObject | undefined,
  verification: JsonObject | undefined,
  problems: Problems,
): string {
  if (spec === undefined || verification === undefined) throw new NotChecked("no verdict in this run");
  const verdict = textOf(verification, "verdict");
  const assurance = textOf(verification, "assurance");
  const violations = textsOf(verification, "violations");
  if (violations.length > 0 || verification["result"] === undefined) {
    problems.same("the verdict", verdict, "inconclusive");
    return violations.length > 0
      ? `inconclusive, because of ${violations.join(", ")}`
      : "inconclusive: the provider could not run it";
  }
  const classification = classifyPatch(patchFiles(requirePatch(files).toString("utf8")));
  const commands = textsOf(spec, "commands");
  const legs = legsOf(verification);
  const decided = decideVerdict({
    base: legOutcome(legs, "base", commands, problems),
    patched: legOutcome(legs, "patched", commands, problems),
    classification,
  });
  if (legs.length !== 2) problems.add(`there are ${legs.length} legs`);
  problems.same("the verdict", verdict, decided.verdict);
  problems.same("its reason", textOf(verification, "because"), decided.because);
  problems.same("the proof", textOf(verification, "proof"), "by_exit_code");
  if (!["provider", "self", "independent"].includes(assurance)) problems.add(`${assurance} is no assurance`);
  const whose =
    assurance === "provider"
      ? "reported by the provider, reproduced by nobody else"
      : `verified: ${assurance}`;
  return `${verdict}: ${decided.because}; ${whose}`;
}

function legOutcome(
  legs: readonly JsonObject[],
  name: string,
  expected: readonly string[],
  problems: Problems,
): LegOutcome {
  const [leg = {}, second] = legs.filter((candidate) => textOf(candidate, "leg") === name);
  if (second !== undefined) problems.add(`there are two ${name} legs`);
  const commands = objectsOf(leg, "commands");
  if (commands.length === 0) problems.add(`the ${name} leg ran nothing`);
  for (const [index, command] of commands.entries()) {
    problems.same(`command ${index + 1} of the ${name} leg`, textOf(command, "command"), expected[index]);
    const isLast = index === commands.length - 1;
    if (!isLast && numberOf(command, "exit_code") !== 0)
      problems.add(`the ${name} leg went on after a failure`);
  }
  const last = commands.at(-1) ?? {};
  const exitCode = numberOf(last, "exit_code");
  const signal = textOf(last, "signal");
  const limit = commands.map((command) => textOf(command, "limit")).find((hit) => hit !== "");
  return {
    commandsExpected: expected.length,
    commandsRun: commands.length,
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(signal === "" ? {} : { signal }),
    ...(limit === undefined ? {} : { limit }),
  };
}

function legsOf(verification: JsonObject | undefined): readonly JsonObject[] {
  return objectsOf(objectOf(verification ?? {}, "result"), "legs");
}

function requirePatch(files: BundleFiles): Buffer {
  const patch = files.get(PATCH_FILE);
  if (patch === undefined) throw new Error(`${PATCH_FILE} is missing`);
  return patch;
}
