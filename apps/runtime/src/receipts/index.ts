export { receiptRoutes, type ReceiptRoutesDeps } from "./routes.ts";
