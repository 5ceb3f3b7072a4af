// What lies in a run's folder, beside its journal.

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { AutopilotError } from "../autopilot-error.ts";

export function workspaceFolder(folder: string): string {
  return join(folder, "workspace");
}

export function patchFile(folder: string, attempt: number): string {
  return join(folder, `patch-${attempt}.diff`);
}

export function layerFile(folder: string, sha256: string): string {
  return join(folder, "layers", sha256);
}

/** Throws `layer_changed` when the file is not what its name says. */
export async function readLayer(folder: string, sha256: string): Promise<Buffer> {
  const tar = await readFile(layerFile(folder, sha256));
  if (createHash("sha256").update(tar).digest("hex") === sha256) return tar;
  throw new AutopilotError(
    "layer_changed",
    `${layerFile(folder, sha256)} is not the layer that the run made. Cancel the run, and start another.`,
  );
}

export function sha256Of(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
