export { decideAgreement } from "./decide-agreement.ts";
export { decideRounds, decideVerification, type Decision } from "./decide-verification.ts";
export { gatherEvidence, type EvidenceDeps } from "./evidence.ts";
export { verificationRoutes } from "./routes.ts";
export { findReview, findVerification, type Review, type Verification } from "./store.ts";
