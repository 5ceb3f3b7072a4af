// What the agent needs to run the project's own tests in its workspace: the
// layers that a provider gets, as copies beside it, and the tools that run them.
//
// DEP-1  Nothing at a layer's place is part of a patch, whatever the project's
//        `.gitignore` says and whatever the agent puts there; unless the base has
//        files there, which stay the project's, and no link is made.
// DEP-2  What happens to a copy reaches no provider.
// DEP-3  Nothing of the workspace is replaced, or written through its links.
// DEP-4  No program of a layer stands before one of the user's own.
// Held by dependencies.test.ts.

import { realpath } from "node:fs/promises";
import { join } from "node:path";
import type { AgentTask } from "@openagents/agent";
import { isInBase } from "../git/index.ts";
import { NODE_CACHES, layerEnvironment, type LayerPlace } from "../layers/index.ts";
import { mountsOf, type InstalledToolchain } from "../toolchains/index.ts";
import type { Workspace } from "../workspace/index.ts";
import { placeLink } from "./place-link.ts";
import { unpackCopy } from "./unpack-copy.ts";

export type Dependencies = Required<Pick<AgentTask, "readable" | "writable" | "env">> & {
  /** Paths of the workspace that belong to no patch. */
  readonly leftOut: readonly string[];
  /** For each layer, where it is, in words for a person. */
  readonly notes: readonly string[];
};

export type DependenciesRequest<L extends LayerPlace> = {
  readonly workspace: Pick<Workspace, "dir" | "base">;
  /** Of all copies; kept when the run is resumed. */
  readonly folder: string;
  readonly readTar: (layer: L) => Promise<Buffer>;
  /** Those of this machine that the check asks for. */
  readonly toolchains: readonly InstalledToolchain[];
  /** The user's own PATH. */
  readonly path: string;
  readonly signal: AbortSignal;
};

/** Unpack and link what is not yet. Throws `layer_invalid`. */
export async function giveDependencies<L extends LayerPlace>(
  layers: readonly L[],
  request: DependenciesRequest<L>,
): Promise<Dependencies> {
  const { workspace, folder, signal } = request;
  const dir = await realpath(workspace.dir);
  const given: Given[] = [];
  for (const layer of layers) {
    if (layer.kind !== "pip" && (await isInBase(workspace.base, layer.path, signal))) {
      const why = `${layer.kind} ${layer.path} is not linked for the agent: the project has files of its own there`;
      given.push({ note: why });
      continue;
    }
    const copy = await unpackCopy(layer, () => request.readTar(layer), folder, dir, signal);
    given.push(
      layer.kind === "pip" ? pythonPackages(layer, copy, dir) : await nodePackages(layer, copy, dir),
    );
  }
  const prefixes = [...new Set(mountsOf(request.toolchains).map(({ prefix }) => prefix))];
  return {
    readable: [...prefixes, ...given.flatMap(({ copy }) => copy ?? [])],
    writable: given.flatMap(({ writable }) => writable ?? []),
    env: joinEnv(given, prefixes, request.path),
    leftOut: given.flatMap(({ leftOut }) => leftOut ?? []),
    notes: given.map(({ note }) => note),
  };
}

type Given = {
  readonly note: string;
  readonly copy?: string;
  readonly writable?: readonly string[];
  readonly leftOut?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly bins?: readonly string[];
};

async function nodePackages(layer: LayerPlace, copy: string, dir: string): Promise<Given> {
  const { kind, path } = layer;
  const why = await placeLink(dir, path, copy);
  return {
    note: why === undefined ? `${kind} ${path} at ${copy}` : `${kind} ${path} at ${copy}, not linked: ${why}`,
    copy,
    writable: NODE_CACHES.map((cache) => join(copy, cache)),
    leftOut: path,
    ...layerEnvironment(layer, join(dir, path), dir),
  };
}

function pythonPackages(layer: LayerPlace, copy: string, dir: string): Given {
  return { note: `${layer.kind} ${layer.path} at ${copy}`, copy, ...layerEnvironment(layer, copy, dir) };
}

function joinEnv(
  given: readonly Given[],
  prefixes: readonly string[],
  path: string,
): Readonly<Record<string, string>> {
  const bins = given.flatMap((one) => one.bins ?? []);
  const own = Object.assign({}, ...given.map(({ env }) => env));
  if (prefixes.length + bins.length === 0) return own;
  return { ...own, PATH: [...prefixes.map((prefix) => join(prefix, "bin")), path, ...bins].join(":") };
}
