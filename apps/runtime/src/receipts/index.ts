export { receiptRoutes, type ReceiptRoutesDeps } from "./routes.ts";
export { createSigner, signStored, type Signer } from "./signer.ts";
