// Files that our parent left open in us.
//
// A descriptor without close-on-exec would pass through every program up to the
// command, which could then read or write what is behind it. Node marks its own;
// those of whoever started us it may not know. A child gets /dev/null in their place.

import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";

export type StdioEntry = "pipe" | "ignore" | number;

const CLOSE_ON_EXEC = 0o2000000;

/** The stdio of a child that shall have these entries and nothing else. Dispose it after the spawn. */
export function coverInherited(
  entries: readonly StdioEntry[],
): Disposable & { readonly stdio: StdioEntry[] } {
  const inherited = inheritedFiles().filter((fd) => fd >= entries.length);
  const stdio: StdioEntry[] = [...entries];
  if (inherited.length === 0) return { stdio, [Symbol.dispose]() {} };
  const nothing = openSync("/dev/null", "r+");
  for (const fd of inherited) {
    while (stdio.length < fd) stdio.push("ignore");
    stdio[fd] = nothing;
  }
  return { stdio, [Symbol.dispose]: () => closeSync(nothing) };
}

function inheritedFiles(): number[] {
  return readdirSync("/proc/self/fdinfo")
    .map(Number)
    .filter((fd) => fd > 2 && !isClosedOnExec(fd))
    .sort((a, b) => a - b);
}

function isClosedOnExec(fd: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1];
    return (Number.parseInt(flags ?? "0", 8) & CLOSE_ON_EXEC) !== 0;
  } catch {
    // The descriptor that listed the folder is closed again.
    return true;
  }
}
