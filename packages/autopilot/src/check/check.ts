// What decides whether a patch is good, and how it was found out.

import type { SandboxRunSpec, ToolchainRequirement } from "@openagents/contracts";

export type Check = {
  /** Shell commands, run in order in the work folder until one fails. */
  readonly commands: readonly string[];
  readonly toolchains: readonly ToolchainRequirement[];
  /** The runner whose report is read; absent when it is not clear, and exit codes alone decide then. */
  readonly testRunner?: NonNullable<SandboxRunSpec["testRunner"]>;
  /** Where the check comes from, as one sentence for the screen. */
  readonly because: string;
};

export type TestRunner = NonNullable<Check["testRunner"]>;

/** The root of a project as far as the choice of its check depends on it. */
export type Project = {
  /** Text of each manifest that is there, by its name. */
  readonly manifests: ReadonlyMap<string, string>;
  /** Python test files of the root and of `tests`, by path: whether the file imports pytest. */
  readonly pythonTests: ReadonlyMap<string, { readonly importsPytest: boolean }>;
  /** Whether `tests` is a package of its own. */
  readonly testsIsPackage: boolean;
};
