// What an agent remembers in its own folder, in a way that a process killed at
// any moment leaves either the old file or the new one.

import { randomBytes } from "node:crypto";
import { open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";

/** The file's text; undefined when there is none. */
export async function findText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw cause;
  }
}

/** On disk when this resolves: file and folder are synced. Readable by the owner alone. */
export async function writeText(path: string, text: string): Promise<void> {
  const staged = `${path}.${randomBytes(4).toString("hex")}`;
  {
    await using file = await open(staged, "wx", 0o600);
    await file.writeFile(text);
    await file.sync();
  }
  await rename(staged, path);
  await using folder = await open(dirname(path), "r");
  await folder.sync();
}
