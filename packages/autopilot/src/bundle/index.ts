export type { Claim, ClaimName } from "./claims.ts";
export { verifyBundle, type BundleVerification, type VerifyOptions } from "./verify-bundle.ts";
export { writeBundle, type BundleRequest } from "./write-bundle.ts";
