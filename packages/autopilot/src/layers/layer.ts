// A layer: the dependencies of a project's check, packed by the buyer and
// mounted read-only by the provider. What both sides hold true of it.

import { posix } from "node:path";
import type { ToolchainRequirement } from "@openagents/contracts";

export type LayerKind = "npm" | "pnpm" | "pip";

export type LayerPlace = {
  readonly kind: LayerKind;
  /** `node_modules` or `packages/a/node_modules`; for pip a name, since it is mounted outside of the tree. */
  readonly path: string;
};

export type BuiltLayer = LayerPlace & {
  /** Gzipped. Equal folders make equal bytes. */
  readonly tar: Buffer;
  /** What has to run it. */
  readonly toolchains: readonly ToolchainRequirement[];
};

export type LayerRequest = {
  /** For installs; what is made there is removed again. */
  readonly scratch: string;
  /** Let install and build scripts of the dependencies and of the project run on this machine. */
  readonly allowScripts: boolean;
  readonly signal: AbortSignal;
  readonly say: (detail: string) => void;
};

/** Where tools write below `node_modules` although it is not theirs. */
export const NODE_CACHES = [".cache", ".vite", ".vite-temp"];

/** What a layer may weigh as it travels, and what may come out of it. */
export const LAYER_BOUNDS = {
  packedBytesMax: 256 * 1024 * 1024,
  unpackedBytesMax: 1024 * 1024 * 1024,
  entriesMax: 200_000,
} as const;

export type LayerBounds = Readonly<Record<keyof typeof LAYER_BOUNDS, number>>;

const PATH_CHARS_MAX = 1_024;
const NAME_BYTES_MAX = 255;

/** Whether a path is relative and goes down only, in names that every tool takes for one. */
export function isPathBelow(path: string): boolean {
  if (path.length > PATH_CHARS_MAX || /[\p{Cc}\uFFFD]/u.test(path)) return false;
  return path
    .split("/")
    .every(
      (name) => name !== "" && name !== "." && name !== ".." && Buffer.byteLength(name) <= NAME_BYTES_MAX,
    );
}

/**
 * Where a link of a layer leads, relative to the work folder, or for pip to the
 * layer; undefined when it leads out. Judged by its text: what it meets on the
 * way is for the sandbox to hold.
 */
export function findLinkGoal({ kind, path }: LayerPlace, link: string, target: string): string | undefined {
  if (
    target === "" ||
    target.startsWith("/") ||
    target.length > PATH_CHARS_MAX ||
    /[\p{Cc}\uFFFD]/u.test(target)
  )
    return undefined;
  const from = posix.dirname(kind === "pip" ? link : `${path}/${link}`);
  const goal = posix.normalize(`${from}/${target}`).replace(/\/$/, "");
  return goal === ".." || goal.startsWith("../") ? undefined : goal;
}

/** Whether a layer of this kind may be at this path. */
export function isPlace({ kind, path }: LayerPlace): boolean {
  if (!isPathBelow(path)) return false;
  return kind === "pip" ? !path.includes("/") : posix.basename(path) === "node_modules";
}
