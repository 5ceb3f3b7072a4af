// The job's spec: what the provider gets of a run, by hash. A function of what
// the run keeps on disk, so that a resumed run asks for the same work.

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { SandboxRunSpec, ToolchainRequirement } from "@openagents/contracts";
import { classifyPatch, patchFiles } from "@openagents/proof";
import type { BaseConfig } from "../check/index.ts";
import { readLayer, type Prepared } from "./prepare.ts";
import type { Session } from "./session.ts";

export type Uploads = { put(data: Buffer): Promise<string> };

/** Each artifact travels once in a process, however many attempts need it. */
export function openUploads({ clients, signal }: Session): Uploads {
  const sent = new Set<string>();
  return {
    async put(data) {
      const sha256 = createHash("sha256").update(data).digest("hex");
      if (sent.has(sha256)) return sha256;
      const content = { contentType: "application/octet-stream", data };
      await clients.artifacts.putArtifact({ sha256, content }, { signal });
      sent.add(sha256);
      return sha256;
    },
  };
}

/** Upload the inputs of a patch's check, and name them. */
export async function makeSpec(
  { folder, journal }: Session,
  { workspace, base, check, checkPaths, layers }: Prepared,
  baseConfig: BaseConfig | undefined,
  patch: Buffer,
  uploads: Uploads,
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
