// Which layers a project needs, and a clean install of each.
//
// Only the manifests and the lock file are given to an installer, in a folder of
// their own, with scripts off: nothing from the repository runs here unless the
// user allows it.

import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { AutopilotError } from "../autopilot-error.ts";
import { checkOthers } from "./check-others.ts";
import type { BuiltLayer, LayerRequest } from "./layer.ts";
import { buildNodeLayers } from "./node-layers.ts";
import { buildPipLayers } from "./pip-layer.ts";

/**
 * Install what the project of a checked-out tree locks, and pack it. No layers
 * when it has no dependencies. Throws `AutopilotError`: `layer_unsupported`,
 * `layer_tool_missing`, `layer_failed`, `layer_too_large`, each with the next
 * step, or the signal's reason.
 */
export async function buildLayers(dir: string, request: LayerRequest): Promise<readonly BuiltLayer[]> {
  request.signal.throwIfAborted();
  if (!existsSync(dir))
    throw new AutopilotError("layer_failed", `There is no folder ${dir}. Check the tree out first.`);
  const names = new Set(readdirSync(dir));
  checkOthers(dir, names);
  await mkdir(request.scratch, { recursive: true });
  const scratch = await mkdtemp(join(request.scratch, "layers-"));
  try {
    const own = { ...request, scratch };
    return [...(await buildNodeLayers(dir, names, own)), ...(await buildPipLayers(dir, names, own))];
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
