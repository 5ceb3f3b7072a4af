// A provider keeps its worker's id, so that a restart renews the worker in
// place of registering another.

import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

export async function findWorkerId(dataDir: string): Promise<string | undefined> {
  const text = await readFile(fileOf(dataDir), "utf8").catch(() => "");
  return /^(wrk_[0-9a-f]{32})\n$/.exec(text)?.[1];
}

export async function keepWorkerId(dataDir: string, workerId: string): Promise<void> {
  const partial = `${fileOf(dataDir)}.partial`;
  await writeFile(partial, `${workerId}\n`, { mode: 0o600 });
  await rename(partial, fileOf(dataDir));
}

function fileOf(dataDir: string): string {
  return join(dataDir, "worker-id");
}
