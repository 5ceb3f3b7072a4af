// Which of a provider's tools a job gets: those that it asked for, when new enough. Pure.

import type { ToolchainRequirement } from "@openagents/contracts";
import type { Toolchain } from "@openagents/sandbox";

export type InstalledToolchain = {
  /** The program that commands call: `node`, `python3`, `cc`. */
  readonly name: string;
  /** Dotted numbers. */
  readonly version: string;
  /**
   * The folder that is mounted into the sandbox; its `bin` comes first on the path
   * there. Absent for a program of the system, which every sandbox has.
   */
  readonly prefix?: string;
};

export type ToolchainMatch =
  | { readonly kind: "matched"; readonly toolchains: readonly InstalledToolchain[] }
  | { readonly kind: "missing"; readonly requirement: ToolchainRequirement };

/** The newest installed tool for each requirement, or the first requirement that none meets. */
export function matchToolchains(
  installed: readonly InstalledToolchain[],
  requirements: readonly ToolchainRequirement[],
): ToolchainMatch {
  const toolchains: InstalledToolchain[] = [];
  for (const requirement of requirements) {
    const [newest] = installed
      .filter((tool) => tool.name === requirement.name)
      .filter((tool) => isWithin(tool.version, requirement))
      .toSorted((a, b) => compareVersions(b.version, a.version));
    if (newest === undefined) return { kind: "missing", requirement };
    toolchains.push(newest);
  }
  return { kind: "matched", toolchains: [...new Set(toolchains)] };
}

function isWithin(version: string, { versionMin, versionBelow }: ToolchainRequirement): boolean {
  if (compareVersions(version, versionMin) < 0) return false;
  return versionBelow === undefined || compareVersions(version, versionBelow) < 0;
}

/** Those of the tools that the sandbox mounts. */
export function mountsOf(toolchains: readonly InstalledToolchain[]): readonly Toolchain[] {
  return toolchains.flatMap(({ name, prefix }) => (prefix === undefined ? [] : [{ name, prefix }]));
}

/** Compare dotted numbers; missing parts count as 0. */
export function compareVersions(a: string, b: string): number {
  const left = a.split(".").map(Number);
  const right = b.split(".").map(Number);
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
