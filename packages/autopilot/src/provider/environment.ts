// Where the work was done, as a provider declares it.

import { readFile } from "node:fs/promises";
import { arch, platform, release } from "node:os";
import type { EnvironmentManifest } from "@openagents/contracts";
import type { InstalledToolchain } from "../toolchains/index.ts";

export async function describeEnvironment(
  sandbox: { readonly sandbox: string; readonly limitsBy: string },
  toolchains: readonly InstalledToolchain[],
): Promise<EnvironmentManifest> {
  return {
    os: await osName(),
    arch: arch(),
    kernel: `${platform()} ${release()}`.slice(0, 200),
    sandbox: sandbox.sandbox,
    limitsBy: sandbox.limitsBy,
    toolchains: toolchains.map(({ name, version }) => ({ name, version })),
  };
}

async function osName(): Promise<string> {
  const release = await readFile("/etc/os-release", "utf8").catch(() => "");
  return (/^PRETTY_NAME="?([^"\n]*)"?$/m.exec(release)?.[1] ?? platform()).slice(0, 200);
}
