export { AutopilotError } from "./autopilot-error.ts";
export {
  looksLikeBundle,
  verifyBundle,
  type BundleVerification,
  type Claim,
  type ClaimName,
  type RerunOptions,
  type VerifyOptions,
} from "./bundle/index.ts";
export { runtimeClients, type ClientSettings, type RuntimeClients } from "./clients.ts";
export {
  runDevice,
  type DemoOrder,
  type DemoRunner,
  type DeviceEnd,
  type DeviceEvent,
  type DeviceOptions,
} from "./device/index.ts";
export { parseIssue, prepareDemoRepository, type Demo } from "./demo.ts";
export { ForgeError, connectForge, type Forge, type Listing, type PullRequest } from "./forge/index.ts";
export { forgeToken, importIssue, openTarget, parseIssueUrl, type IssueAddress } from "./forge/index.ts";
export type { Pause } from "./pause.ts";
export type { LegRunner } from "./legs/index.ts";
export {
  runProvider,
  type ListenOptions,
  type ProviderClients,
  type ProviderEnd,
  type ProviderEvent,
  type ProviderOptions,
} from "./provider/index.ts";
export {
  DEFAULT_LIMITS,
  STEPS,
  buyIndex,
  cancelRun,
  findBranch,
  resumeRun,
  reviewRun,
  runIssue,
  type BoughtIndex,
  type IndexRequest,
  type MadeBranch,
  type Progress,
  type RunDeps,
  type RunOutcome,
  type RunProblem,
  type RunRequest,
  type RunState,
  type StepName,
} from "./run/index.ts";
export {
  declareToolchain,
  findToolchains,
  matchToolchains,
  mountsOf,
  toolchainEnv,
  type InstalledToolchain,
} from "./toolchains/index.ts";
export { parseSource, type Source } from "./workspace/index.ts";
