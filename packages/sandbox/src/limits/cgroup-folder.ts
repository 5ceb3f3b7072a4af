// The life of a control group: made for one run, named after us, removed with
// everything in it. What a killed owner left behind is swept by the next.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const NAME = /^openagents-(\d{1,10})-\d+$/;
const REMOVE_TRIES_MAX = 400;
const REMOVE_RETRY_MS = 5;

let groupsMade = 0;

/** `openagents-<pid>-<n>`: by the pid a sweep knows whether the owner lives. */
export function nextGroupName(): string {
  groupsMade += 1;
  return `openagents-${process.pid}-${groupsMade}`;
}

export function makeGroup(parent: string, name: string, settings: Readonly<Record<string, string>>): string {
  const folder = join(parent, name);
  mkdirSync(folder);
  try {
    for (const [file, value] of Object.entries(settings)) writeFileSync(join(folder, file), value);
  } catch (error) {
    rmdirSync(folder);
    throw error;
  }
  return folder;
}

/** Whether groups can be made below this one. */
export function canMakeGroups(parent: string): boolean {
  if (!existsSync(join(parent, "cgroup.procs"))) return false;
  try {
    rmdirSync(makeGroup(parent, nextGroupName(), {}));
    return true;
  } catch {
    return false;
  }
}

/** Kill what is in the group and remove it. A group that will not go is left to the next sweep. */
export async function removeGroup(folder: string): Promise<void> {
  for (let tries = 0; tries < REMOVE_TRIES_MAX; tries += 1) {
    if (removeEmpty(folder)) return;
    killMembers(folder);
    // A killed process leaves its group a moment later, and nothing tells us.
    await delay(REMOVE_RETRY_MS);
  }
}

/** Remove the groups of owners that are dead. Never throws: a sweep is no reason not to start. */
export async function sweepGroups(parents: readonly string[]): Promise<void> {
  for (const parent of new Set(parents)) {
    for (const name of namesIn(parent)) {
      const owner = NAME.exec(name)?.[1];
      if (owner !== undefined && !isAlive(Number(owner))) await removeGroup(join(parent, name));
    }
  }
}

/** A number in a file of `key value` lines; 0 when there is none. */
export function readCounter(file: string, key: string): number {
  const line = readText(file)
    .split("\n")
    .find((text) => text.startsWith(`${key} `));
  return Number(line?.slice(key.length + 1) ?? 0);
}

export function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // Gone with its group, or unknown to an older kernel.
    return "";
  }
}

function removeEmpty(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ENOENT";
  }
}

function killMembers(folder: string): void {
  for (const pid of readText(join(folder, "cgroup.procs")).split("\n")) {
    if (!/^[1-9]\d*$/.test(pid)) continue;
    try {
      process.kill(Number(pid), "SIGKILL");
    } catch {
      // Dead already.
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
