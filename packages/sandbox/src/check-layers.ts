// Whether layers and the folder to collect can be had, judged before anything is started.

import { realpath, stat } from "node:fs/promises";
import { join, normalize } from "node:path";
import { checkShared, isInside, refuse } from "./check-folder.ts";
import { TOOLCHAINS } from "./confinement.ts";
import type { Layer, RunRequest } from "./sandbox.ts";

const LAYERS_MAX = 32;
const CACHES_MAX = 16;
const PATH_CHARS_MAX = 1_024;
const COLLECT_BYTES_MAX = 256 * 1024 * 1024;

/** Throws `sandbox_request_invalid` naming the first rule that the layers break. */
export async function checkLayers(layers: readonly Layer[], tree: string): Promise<void> {
  if (layers.length > LAYERS_MAX) refuse(`has more than ${LAYERS_MAX} layers`);
  for (const [index, { source, target, caches = [] }] of layers.entries()) {
    const name = JSON.stringify(target);
    if (!isPlain(target) || !/^\/(?:work|opt)\/./.test(target))
      refuse(`the target of a layer, ${name}, is not a plain absolute path below /work or /opt`);
    if (isInside(target, TOOLCHAINS)) refuse(`the layer ${name} is where toolchains are`);
    // One inside the other would need its mount point made in the other's folder, which is not ours to change.
    const others = layers.filter((_, other) => other !== index).map((layer) => layer.target);
    if (others.some((other) => isInside(target, other))) refuse(`the layer ${name} is inside another layer`);
    await checkShared(source, `the folder of the layer ${name}`);
    // The run's own folder is mounted over the tree, which hides what is in it.
    if (isInside(source, tree)) refuse(`the folder of the layer ${name} (${source}) is inside the tree`);
    if (caches.length > CACHES_MAX) refuse(`the layer ${name} has more than ${CACHES_MAX} caches`);
    for (const [at, cache] of caches.entries()) {
      const inOther = caches.some((other, otherAt) => otherAt !== at && isInside(`/${cache}`, `/${other}`));
      if (inOther || !isPlain(`/${cache}`))
        refuse(`the cache ${JSON.stringify(cache)} of ${name} is not plain`);
      await checkCache(source, cache, `the cache ${JSON.stringify(cache)} of the layer ${name}`);
    }
  }
}

export function checkCollect(collect: RunRequest["collect"]): void {
  if (collect === undefined) return;
  const { folder, bytesMax } = collect;
  if (!isPlain(folder) || !folder.startsWith("/tmp/"))
    refuse(`the folder to collect, ${JSON.stringify(folder)}, is not a plain absolute path below /tmp`);
  if (!Number.isSafeInteger(bytesMax) || bytesMax < 0 || bytesMax > COLLECT_BYTES_MAX)
    refuse(`the bytes to collect must be a whole number from 0 to ${COLLECT_BYTES_MAX}`);
}

/** Absolute and already resolved: without `..`, `.`, empty parts, or characters that a terminal or a shell takes for more. */
function isPlain(path: string): boolean {
  const hasControl = /\p{Cc}/u.test(path);
  return path.startsWith("/") && !hasControl && path.length <= PATH_CHARS_MAX && isResolved(path);
}

function isResolved(path: string): boolean {
  return normalize(path) === path && !path.endsWith("/") && !path.startsWith("//");
}

/** A link there would lead the mount elsewhere, so it has to be a folder by its own path. */
async function checkCache(source: string, cache: string, what: string): Promise<void> {
  const path = join(await realpath(source), cache);
  const real = await realpath(path).catch(() => undefined);
  const found = await stat(path).catch(() => undefined);
  if (real !== path || found?.isDirectory() !== true)
    refuse(`${what} has no folder to be mounted on. Run: mkdir -p ${path}`);
}
