// The life of a control group: made for one run, marked as ours, removed with
// everything in it. What a killed owner left behind is swept by the next start.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isMarkOfDead, nextOwnerMark } from "../owner-mark.ts";

const PREFIX = "openagents-";
const REMOVE_TRIES_MAX = 400;
const SWEEP_TRIES_MAX = 40;
const REMOVE_RETRY_MS = 5;

export function nextGroupName(): string {
  return PREFIX + nextOwnerMark();
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

/**
 * Remove the empty groups of owners that are dead. What was in them dies with
 * the owner, and nothing is killed here: an owner in another process namespace
 * looks dead to us. Never throws: a sweep is no reason not to start.
 */
export async function sweepGroups(parents: readonly string[]): Promise<void> {
  let left = [...new Set(parents)].flatMap((parent) =>
    namesIn(parent)
      .filter((name) => name.startsWith(PREFIX) && isMarkOfDead(name.slice(PREFIX.length)))
      .map((name) => join(parent, name)),
  );
  for (let tries = 0; tries < SWEEP_TRIES_MAX; tries += 1) {
    left = left.filter((folder) => !removeEmpty(folder));
    if (left.length === 0) return;
    // The owner may have died just now, and the last of its processes go a moment later.
    await delay(REMOVE_RETRY_MS);
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

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
