// A way to make a check pass, and what becomes of it.

import type { SandboxRunSpec } from "@openagents/contracts";
import type { Verdict } from "@openagents/proof";
import type { Changes } from "../small-project.ts";

export type CheatedProject = {
  readonly files: Readonly<Record<string, string>>;
  readonly commands: readonly string[];
  readonly runner?: NonNullable<SandboxRunSpec["testRunner"]>;
  readonly toolchains: SandboxRunSpec["toolchains"];
  /** Whether the dependencies that its files name are installed into layers. */
  readonly layers?: true;
};

export type Cheat = {
  readonly name: string;
  /** The patch. */
  readonly changes: Changes;
  readonly verdict: Exclude<Verdict, "proven">;
  /** A part of the reason. */
  readonly because: RegExp;
  /** In place of the project's own. */
  readonly commands?: readonly string[];
  /** By exit code alone, as where the runner is not known. */
  readonly byExitCode?: true;
  /** More files of the base. */
  readonly base?: Readonly<Record<string, string>>;
  readonly limits?: Partial<SandboxRunSpec["limits"]>;
};

/** A change that mends what it says. */
export type Honest = Pick<Cheat, "name" | "changes" | "commands">;
