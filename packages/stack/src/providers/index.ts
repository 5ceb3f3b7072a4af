export { activityToWire, readActivity, type Activity, type LastJob } from "./activity.ts";
export {
  ensureLocalProviders,
  startLocalProviders,
  type LocalProvider,
  type LocalProviders,
  type LocalProvidersOptions,
} from "./local-providers.ts";
export { providerSeatAt, type ProviderSeat } from "./provider-seat.ts";
export { findSeller, listSellers, sellerToWire, type SellerRecord } from "./seller-record.ts";
export { requireFreeSeat, startSeller, type Seller, type SellerOptions } from "./seller.ts";
export { stopSeller, type SellerStop } from "./stop-seller.ts";
