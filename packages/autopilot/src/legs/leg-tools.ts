// What stands beside the tree in the sandbox of every leg of a job: the layers
// that the buyer sent, and what makes the test runner report. Each wants its own
// of the same few variables, so their values are joined and not overwritten.

import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Layer, SandboxRunSpec } from "@openagents/contracts";
import { REPORT_BYTES_MAX, REPORT_FOLDER, REPORT_TOOLS, instrument } from "@openagents/proof";
import type { Layer as SandboxLayer, RunRequest } from "@openagents/sandbox";
import { openLayer } from "../layers/index.ts";
import { mountsOf, toolchainEnv, type InstalledToolchain } from "../toolchains/index.ts";

export type LegTools = Pick<RunRequest, "env" | "layers" | "collect">;

/** Lists of folders, first come first served, and lists of options. */
const SEPARATORS: ReadonlyMap<string, string> = new Map([
  ["PATH", ":"],
  ["LD_LIBRARY_PATH", ":"],
  ["PYTHONPATH", ":"],
  ["NODE_PATH", ":"],
  ["NODE_OPTIONS", " "],
  ["PYTEST_ADDOPTS", " "],
  ["GOFLAGS", " "],
]);

/** Where the sandbox mounts toolchains, and what its own path ends in. */
const TOOLCHAINS = "/opt/tc";
const SYSTEM_PATH = ["/usr/local/bin", "/usr/bin", "/bin"];

/** Unpack what the job's commands need besides their tree. Throws `layer_invalid`. */
export async function openTools(
  spec: Pick<SandboxRunSpec, "layers" | "testRunner" | "toolchains">,
  toolchains: readonly InstalledToolchain[],
  readLayer: (layer: Layer) => Promise<Buffer>,
  folder: string,
  signal: AbortSignal,
): Promise<LegTools> {
  const layers: SandboxLayer[] = [];
  const environments: Readonly<Record<string, string>>[] = [];
  const bins: string[] = [];
  // First, so that nothing of a layer stands before what makes the runner report.
  if (spec.testRunner !== undefined) {
    const { env, files } = instrument(spec.testRunner);
    const source = join(folder, "report-tools");
    await writeTools(source, files);
    layers.push({ source, target: REPORT_TOOLS });
    environments.push(env);
  }
  for (const [index, layer] of spec.layers.entries()) {
    const opened = await openLayer(layer, await readLayer(layer), join(folder, `layer-${index}`), signal);
    layers.push(opened.mount);
    bins.push(...opened.bins);
    environments.push(opened.env);
  }
  environments.push(toolchainEnv(spec.toolchains.map(({ name }) => name)));
  if (bins.length > 0) {
    const own = mountsOf(toolchains).map(({ name }) => `${TOOLCHAINS}/${name}/bin`);
    environments.push({ PATH: [...own, ...bins, ...SYSTEM_PATH].join(":") });
  }
  const env = joinEnvironments(environments);
  if (spec.testRunner === undefined) return { env, layers };
  return { env, layers, collect: { folder: REPORT_FOLDER, bytesMax: REPORT_BYTES_MAX } };
}

async function writeTools(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  // The commands run as another user, whatever our own umask is.
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o755);
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(folder, name), text);
    await chmod(join(folder, name), 0o755);
  }
}

/** Lists are joined in order; of any other variable the first value counts. */
function joinEnvironments(
  environments: readonly Readonly<Record<string, string>>[],
): Readonly<Record<string, string>> {
  const joined: Record<string, string> = {};
  for (const [name, value] of environments.flatMap((env) => Object.entries(env))) {
    const before = joined[name];
    const separator = SEPARATORS.get(name);
    if (before === undefined) joined[name] = value;
    else if (separator !== undefined) joined[name] = `${before}${separator}${value}`;
  }
  return joined;
}
