import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Source } from "../workspace/index.ts";
import { writeDurably } from "../write-durably.ts";

/** A folder to begin from where none is named. A base has at least one file. */
export async function nothingYet(dataDir: string): Promise<Source> {
  const path = join(dataDir, "empty");
  await mkdir(path, { recursive: true, mode: 0o700 });
  await writeDurably(join(path, "README.md"), "The work of a conversation that began from no project.\n");
  return { kind: "folder", path };
}
