// A layer on the provider's side. The bytes are a stranger's: every name, kind,
// size and link is judged before it touches the disk, and links are made last,
// so that nothing is ever written through one.

import { createHash } from "node:crypto";
import { chmod, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createGunzip } from "node:zlib";
import { TarError, readTar, type Layer, type TarEntry } from "@openagents/sandbox";
import { AutopilotError } from "../autopilot-error.ts";
import {
  LAYER_BOUNDS,
  NODE_CACHES,
  findLinkGoal,
  isPathBelow,
  isPlace,
  type LayerBounds,
  type LayerPlace,
} from "./layer.ts";

/** What commands need to find what is in a layer. */
export type LayerEnvironment = {
  readonly env: Readonly<Record<string, string>>;
  /** Folders with programs of the layer, for the path. */
  readonly bins: readonly string[];
};

export type OpenedLayer = LayerEnvironment & {
  /** What the sandbox mounts. */
  readonly mount: Layer;
};

/** Headers, padding and long names come on top of the files' bytes. */
const FRAME_BYTES_PER_ENTRY = 4_096;

/**
 * Unpack a layer into a new folder of its own below `folder`. Throws
 * `layer_invalid`, with nothing left on the disk, when the archive is not one
 * that a layer can be, and the signal's reason when aborted.
 */
export async function openLayer(
  layer: LayerPlace,
  tar: Buffer,
  folder: string,
  signal: AbortSignal,
  bounds: LayerBounds = LAYER_BOUNDS,
): Promise<OpenedLayer> {
  if (!isPlace(layer)) refuse(`${JSON.stringify(layer.path)} is no place for a layer of ${layer.kind}`);
  if (tar.length > bounds.packedBytesMax) refuse(`it is larger than ${bounds.packedBytesMax} bytes`);
  const name = createHash("sha256").update(`${layer.kind}\0${layer.path}`).digest("hex").slice(0, 16);
  const source = join(folder, `layer-${name}`);
  await mkdir(folder, { recursive: true });
  await mkdir(source);
  try {
    const seen = await unpack(layer, tar, source, signal, bounds);
    // The command may run as a user of its own, whatever our umask is.
    await chmod(source, 0o755);
    return layer.kind === "pip" ? pipLayer(layer, source) : await nodeLayer(layer, source, seen);
  } catch (error) {
    await rm(source, { recursive: true, force: true });
    signal.throwIfAborted();
    if (error instanceof AutopilotError) throw error;
    if (error instanceof TarError || isZlibError(error)) return refuse("it is not a gzipped tar");
    throw error;
  }
}

type Seen = ReadonlyMap<string, TarEntry["kind"]>;

async function unpack(
  layer: LayerPlace,
  tar: Buffer,
  source: string,
  signal: AbortSignal,
  bounds: LayerBounds,
): Promise<Seen> {
  const seen = new Map<string, TarEntry["kind"]>();
  const links: { readonly path: string; readonly target: string }[] = [];
  let bytes = 0;
  const inflated = createGunzip();
  await using _ = { [Symbol.asyncDispose]: async () => void inflated.destroy() };
  inflated.end(tar);
  for await (const entry of readTar(bounded(inflated, bounds))) {
    signal.throwIfAborted();
    const { path, kind, size } = entry;
    const name = JSON.stringify(path.slice(0, 200));
    if (seen.size >= bounds.entriesMax) refuse(`it has more than ${bounds.entriesMax} entries`);
    if (!isPathBelow(path)) refuse(`${name} does not stay inside`);
    if (seen.has(path)) refuse(`${name} is there twice`);
    const parent = dirname(path);
    if (parent !== "." && seen.get(parent) !== "folder") refuse(`${name} is in no folder of the layer`);
    seen.set(path, kind);
    const at = join(source, path);
    if (kind !== "file" && size !== 0) refuse(`${name} has bytes and is not a file`);
    if (kind === "folder") {
      await mkdir(at);
      await chmod(at, 0o755);
    } else if (kind === "file") {
      bytes += size;
      if (bytes > bounds.unpackedBytesMax) refuse(`it unpacks to more than ${bounds.unpackedBytesMax} bytes`);
      const mode = (entry.mode & 0o111) === 0 ? 0o644 : 0o755;
      await writeFile(at, entry.content(), { flag: "wx", mode });
      await chmod(at, mode);
    } else if (kind === "link") {
      if (findLinkGoal(layer, path, entry.linkTarget) === undefined) refuse(`the link ${name} leads outside`);
      links.push({ path, target: entry.linkTarget });
    } else {
      refuse(`${name} is neither a file, a folder nor a link`);
    }
  }
  for (const { path, target } of links) await symlink(target, join(source, path));
  return seen;
}

/** What comes out of a small archive can be without end. */
async function* bounded(
  inflated: AsyncIterable<Buffer>,
  { entriesMax, unpackedBytesMax }: LayerBounds,
): AsyncGenerator<Buffer, void> {
  const most = unpackedBytesMax + entriesMax * FRAME_BYTES_PER_ENTRY;
  let bytes = 0;
  for await (const part of inflated) {
    bytes += part.length;
    if (bytes > most) refuse("it unpacks to more than a layer may");
    yield part;
  }
}

async function nodeLayer({ kind, path }: LayerPlace, source: string, seen: Seen): Promise<OpenedLayer> {
  const caches: string[] = [];
  for (const cache of NODE_CACHES) {
    const kind = seen.get(cache);
    if (kind !== undefined && kind !== "folder") continue;
    // A cache is mounted over a folder of the layer, so there has to be one.
    if (kind === undefined) await mkdir(join(source, cache));
    caches.push(cache);
  }
  const target = `/work/${path}`;
  return { mount: { source, target, caches }, ...layerEnvironment({ kind, path }, target, "/work") };
}

function pipLayer(place: LayerPlace, source: string): OpenedLayer {
  const target = `/opt/layers/${place.path}`;
  return { mount: { source, target }, ...layerEnvironment(place, target, "/work") };
}

/**
 * How a layer is found that lies at `at`, by commands of the project at `project`.
 * A Python project itself is not in its layer: it is found where its files are, as
 * an editable install would find it.
 */
export function layerEnvironment({ kind }: LayerPlace, at: string, project: string): LayerEnvironment {
  if (kind !== "pip") return { env: {}, bins: [`${at}/.bin`] };
  return {
    env: { PYTHONPATH: [at, `${project}/src`, project].join(":") },
    bins: [`${at}/bin`],
  };
}

function isZlibError(error: unknown): boolean {
  return error instanceof Error && "code" in error && String(error.code).startsWith("Z_");
}

function refuse(problem: string): never {
  throw new AutopilotError("layer_invalid", `The layer cannot be used: ${problem}. Build it again.`);
}
