// Checkpoints of one client in one file. Each save replaces the file whole:
// written beside it, flushed, renamed, and the rename flushed, so that a crash
// leaves the old or the new one. One process at a time may hold a file.

import { mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { sha256Hex } from "@openagents/receipts";
import {
  checkpointRecordOf,
  parseCheckpointRecord,
  type Checkpoint,
  type CheckpointStore,
} from "./client/index.ts";

export type FileCheckpointsOptions = {
  /** Its directory is made when it is not there. */
  readonly file: string;
  readonly clientId: string;
  /**
   * What happens when the file is damaged. `refuse` (the default): opening
   * throws. `rebuild`: it is moved aside, and the client begins at 0 and says so.
   */
  readonly whenDamaged?: "refuse" | "rebuild";
};

const VERSION = 1;

/** Open or begin a file. Throws when it is damaged, of another client, or cannot be read. */
export async function openFileCheckpoints(options: FileCheckpointsOptions): Promise<CheckpointStore> {
  const { file, clientId } = options;
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  let kept = new Map<string, Checkpoint>();
  let rebuilt: string | undefined;
  if (text !== undefined) {
    try {
      kept = parseFile(text, clientId);
    } catch (error) {
      rebuilt = await setAside(options, error);
    }
  }
  return { ...storeOver(file, clientId, kept), rebuilt };
}

async function setAside({ file, whenDamaged }: FileCheckpointsOptions, error: unknown): Promise<string> {
  const why = error instanceof Error ? error.message : String(error);
  if (whenDamaged !== "rebuild") {
    throw new Error(
      `the checkpoints in ${file} are damaged (${why}). Put back a copy, or remove the file to apply every stream anew from its beginning.`,
    );
  }
  await rename(file, `${file}.damaged`);
  return `${file} was damaged (${why}); it lies in ${file}.damaged and every stream is applied anew`;
}

/** Saves that come while one is being written share the next write. */
function storeOver(file: string, clientId: string, kept: Map<string, Checkpoint>): CheckpointStore {
  let writing: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  async function write(): Promise<void> {
    await writing?.catch(ignoreToldAlready);
    next = undefined;
    writing = replaceFile(file, fileText(clientId, kept));
    await writing;
  }

  return {
    load: (streamId) => Promise.resolve(kept.get(streamId)),
    save(checkpoint) {
      kept.set(checkpoint.streamId, checkpoint);
      next ??= write();
      return next;
    },
  };
}

async function replaceFile(file: string, text: string): Promise<void> {
  const fresh = `${file}.new`;
  const handle = await open(fresh, "w", 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(fresh, file);
  const folder = await open(dirname(file), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** The hash covers the rest: half a page that a disk lost is not taken for a checkpoint. */
function fileText(clientId: string, kept: ReadonlyMap<string, Checkpoint>): string {
  const records = [...kept.values()].map(checkpointRecordOf);
  const body = JSON.stringify({ version: VERSION, client_id: clientId, streams: records });
  return `${body}\n${sha256Hex(body)}\n`;
}

function parseFile(text: string, clientId: string): Map<string, Checkpoint> {
  const [body = "", hash] = text.split("\n");
  if (hash !== sha256Hex(body)) throw new Error("its hash does not fit");
  const value: unknown = JSON.parse(body);
  const { version, client_id, streams } = value as Record<string, unknown>;
  if (version !== VERSION) throw new Error(`version ${String(version)} is not ${VERSION}`);
  if (client_id !== clientId) throw new Error(`it is of the client ${String(client_id)}`);
  if (!Array.isArray(streams)) throw new Error("it lists no streams");
  return new Map(streams.map(parseCheckpointRecord).map((checkpoint) => [checkpoint.streamId, checkpoint]));
}

function ignoreToldAlready(): void {}
