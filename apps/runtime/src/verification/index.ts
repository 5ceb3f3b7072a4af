import { Verification, bind, type Binding } from "@openagents/contracts";
import { verifySandboxRun, type VerificationDeps } from "./service.ts";

export { findVerification } from "./store.ts";
export type { VerificationDeps } from "./service.ts";

export function verificationRoutes(deps: VerificationDeps): Binding {
  return bind(Verification, { verifySandboxRun: (request, call) => verifySandboxRun(deps, call, request) });
}
