// Tiles that were downloaded, as the log publishes them: `tile/0/000`, `tile/0/001.p/44`.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseTilePath, tilePath } from "@openagents/receipts";
import { CliError } from "../cli-error.ts";
import type { ReadTile } from "./compare-heads.ts";

const HASH_BYTES = 32;

/** Reads tiles below `folder`. A full tile stands for each of its beginnings, which logs need not keep. */
export function readTilesOf(folder: string): ReadTile {
  return async (path) => {
    const tile = parseTilePath(`tile/${path}`);
    if (tile === undefined) throw new Error(`${path} is no path of a tile`);
    const exact = await readIfThere(join(folder, "tile", path));
    if (exact !== undefined) return exact;
    const whole = tilePath({ level: tile.level, index: tile.index, width: 256 });
    const full = await readIfThere(join(folder, whole));
    if (full !== undefined) return full.subarray(0, tile.width * HASH_BYTES);
    throw new CliError("tile_missing", `${folder} has no tile/${path}, and not the whole one either`, {
      nextStep: `download /log/tile/${path} into it, or read the log with --url`,
    });
  };
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  return readFile(path).catch((cause: unknown) => {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CliError("file_unreadable", `${path} cannot be read: ${why}`, { cause });
  });
}
