export { AutopilotError } from "./autopilot-error.ts";
export {
  verifyBundle,
  type BundleVerification,
  type Claim,
  type ClaimName,
  type RerunOptions,
  type VerifyOptions,
} from "./bundle/index.ts";
export { runtimeClients, type ClientSettings, type RuntimeClients } from "./clients.ts";
export { parseIssue, prepareDemoRepository, type Demo } from "./demo.ts";
export type { Pause } from "./pause.ts";
export type { InstalledToolchain, LegRunner } from "./legs/index.ts";
export {
  runProvider,
  type ProviderClients,
  type ProviderEnd,
  type ProviderEvent,
  type ProviderOptions,
} from "./provider/index.ts";
export {
  DEFAULT_LIMITS,
  STEPS,
  runIssue,
  type Progress,
  type RunIssueOptions,
  type RunOutcome,
  type RunProblem,
  type StepName,
} from "./run/index.ts";
