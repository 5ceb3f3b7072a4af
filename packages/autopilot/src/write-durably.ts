import { randomBytes } from "node:crypto";
import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";

/** Either the old file or the new one is there, whenever the machine stops. */
export async function writeDurably(path: string, bytes: string | Buffer): Promise<void> {
  const staged = `${path}.${randomBytes(4).toString("hex")}`;
  {
    await using file = await open(staged, "wx", 0o600);
    await file.writeFile(bytes);
    await file.sync();
  }
  await rename(staged, path);
  await using folder = await open(dirname(path), "r");
  await folder.sync();
}
