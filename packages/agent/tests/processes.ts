// Which processes of this machine carry a mark in their command line or their
// environment, for tests that nothing is left behind.

import { readFile, readdir } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";

export async function markedProcesses(mark: string): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    const texts = await Promise.all(
      ["cmdline", "environ"].map((file) => readFile(`/proc/${name}/${file}`, "utf8").catch(() => "")),
    );
    if (texts.some((text) => text.includes(mark))) found.push(Number(name));
  }
  return found;
}

/** Waits at most 15 s. */
export async function eventually(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const untilMs = performance.now() + 15_000;
  while (!(await holds())) {
    if (performance.now() > untilMs) throw new Error(`It did not come to pass: ${what}.`);
    await pause(20);
  }
}
