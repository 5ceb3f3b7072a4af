export {
  CHANNEL_SATS,
  startLightningNetwork,
  until,
  type LightningNetwork,
  type NodeName,
} from "./network.ts";
export type { Chain } from "./chain.ts";
export type { LndProcess } from "./lnd-process.ts";
