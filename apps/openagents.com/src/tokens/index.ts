export { createSigner, SYNC_LIFE_S_MAX, type Signer } from "./signer.ts";
export { registerTokenRoutes } from "./token-routes.ts";
export { createGrants, type Grants } from "./grants.ts";
export { createServiceToken } from "./service-token.ts";
