export type { Claim, ClaimName } from "./claims.ts";
export type { RerunOptions } from "./check-rerun.ts";
export { looksLikeBundle } from "./read-files.ts";
export { ENDED_UNSEEN } from "./story.ts";
export { verifyBundle, type BundleVerification, type VerifyOptions } from "./verify-bundle.ts";
export { writeBundle, type BundleClients, type BundleRequest } from "./write-bundle.ts";
