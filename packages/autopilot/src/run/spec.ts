// The job's spec: what the provider gets of a run, by hash. A function of what
// the run keeps on disk, so that a resumed run asks for the same work.

import { readFile } from "node:fs/promises";
import type { SandboxRunSpec, ToolchainRequirement } from "@openagents/contracts";
import { classifyPatch, patchFiles } from "@openagents/proof";
import type { BaseConfig } from "../check/index.ts";
import type { Prepared } from "./prepare.ts";
import { readLayer } from "./run-files.ts";
import type { Session } from "./session.ts";

/** Upload the inputs of a patch's check, and name them. */
export async function makeSpec(
  { folder, journal, uploads }: Session,
  { workspace, base, check, checkPaths, layers }: Prepared,
  baseConfig: BaseConfig | undefined,
  patch: Buffer,
): Promise<SandboxRunSpec> {
  const { testPaths, guardPaths } = classifyPatch(
    patchFiles(patch.toString("utf8")),
    baseConfig?.config,
    checkPaths,
  );
  for (const { sha256 } of layers) await uploads.put(await readLayer(folder, sha256));
  return {
    baseBundleSha256: await uploads.put(await readFile(workspace.base.bundleFile)),
    baseCommit: base.commit,
    baseTree: base.tree,
    patchSha256: await uploads.put(patch),
    patchTestPaths: testPaths,
    commands: check.commands,
    limits: journal.current.request.limits,
    toolchains: joinToolchains([...check.toolchains, ...layers.flatMap(({ toolchains }) => toolchains)]),
    layers: layers.map(({ kind, sha256, path }) => ({ kind, sha256, path })),
    testRunner: check.testRunner,
    guardPaths,
    checkPaths,
    configSha256: baseConfig === undefined ? undefined : await uploads.put(baseConfig.bytes),
  };
}

/** One requirement for each tool: the highest of its lowest versions, and the lowest of those that it must be below. */
function joinToolchains(all: readonly ToolchainRequirement[]): readonly ToolchainRequirement[] {
  const joined = new Map<string, ToolchainRequirement>();
  for (const tool of all) {
    const before = joined.get(tool.name) ?? tool;
    const versionMin = isHigher(tool.versionMin, before.versionMin) ? tool.versionMin : before.versionMin;
    const bounds = [tool.versionBelow, before.versionBelow].filter((bound) => bound !== undefined);
    const versionBelow = bounds.toSorted((a, b) => (isHigher(a, b) ? 1 : -1))[0];
    joined.set(tool.name, {
      name: tool.name,
      versionMin,
      ...(versionBelow === undefined ? {} : { versionBelow }),
    });
  }
  return [...joined.values()];
}

function isHigher(a: string, b: string): boolean {
  return a.localeCompare(b, "en", { numeric: true }) > 0;
}
