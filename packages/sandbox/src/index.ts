export { createSandbox, type SandboxOptions } from "./create-sandbox.ts";
export type {
  CommandOutcome,
  LimitName,
  LimitsBy,
  OutputChunk,
  RunRequest,
  Sandbox,
  SandboxLimits,
  Toolchain,
} from "./sandbox.ts";
export { SandboxError, type SandboxErrorCode } from "./sandbox-error.ts";
