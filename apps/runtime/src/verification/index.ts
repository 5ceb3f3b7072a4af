export { decideAgreement } from "./decide-agreement.ts";
export type { Decision } from "./decide-verification.ts";
export { openJudge, type Judge } from "./judge.ts";
export { verificationRoutes } from "./routes.ts";
export {
  insertVerification,
  findReview,
  findSecondTerms,
  findVerification,
  type Review,
  type Verification,
} from "./store.ts";
export { verifySandboxRun, type VerificationDeps } from "./service.ts";
