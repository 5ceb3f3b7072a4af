export { AutopilotError } from "./autopilot-error.ts";
export {
  verifyBundle,
  type BundleVerification,
  type Claim,
  type ClaimName,
  type VerifyOptions,
} from "./bundle/index.ts";
export { runtimeClients, type ClientSettings, type RuntimeClients } from "./clients.ts";
export { parseIssue, prepareDemoRepository, type Demo } from "./demo.ts";
export type { Pause } from "./pause.ts";
export {
  runProvider,
  type InstalledToolchain,
  type LegRunner,
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
