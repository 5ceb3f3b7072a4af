// The tools that jobs may use here: those that are found, and those that the owner names.

import type { InstalledToolchain } from "@openagents/autopilot";
import { CliError, EXIT } from "../cli-error.ts";

export const TOOLCHAIN_OPTION = "--toolchain <name=prefix>";

/** A named tool takes the place of those found under its name. Throws `toolchain_invalid`. */
export async function toolchainsFor(named: readonly string[] = []): Promise<readonly InstalledToolchain[]> {
  const { declareToolchain, findToolchains } = await import("@openagents/autopilot");
  const declared = await Promise.all(
    named.map((text) => {
      const [name, prefix] = splitOnce(text);
      if (name !== "" && prefix !== "") return declareToolchain(name, prefix);
      throw new CliError("usage", `\`${text.slice(0, 100)}\` names no toolchain`, {
        nextStep: "give it as name=prefix, such as python3=/opt/python-3.13",
        exitCode: EXIT.usage,
      });
    }),
  );
  const taken = new Set(declared.map(({ name }) => name));
  return [...declared, ...(await findToolchains()).filter(({ name }) => !taken.has(name))];
}

/** `node 24.21.0, python3 3.11.2`. */
export function toolchainWords(toolchains: readonly InstalledToolchain[]): string {
  return toolchains.map(({ name, version }) => `${name} ${version}`).join(", ");
}

function splitOnce(text: string): readonly [string, string] {
  const at = text.indexOf("=");
  return at === -1 ? ["", ""] : [text.slice(0, at), text.slice(at + 1)];
}
