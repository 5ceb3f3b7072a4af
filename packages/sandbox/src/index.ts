export { createSandbox, type SandboxOptions } from "./create-sandbox.ts";
export { readTar, TarError, type TarEntry } from "./read-tar.ts";
export type {
  CommandOutcome,
  Layer,
  LimitName,
  LimitsBy,
  OutputChunk,
  RunOutcome,
  RunRequest,
  Sandbox,
  SandboxLimits,
  Toolchain,
} from "./sandbox.ts";
export { SandboxError, type SandboxErrorCode } from "./sandbox-error.ts";
