export {
  countAgreeing,
  countDisputed,
  countDisputeLost,
  countSettled,
  findAgreeing,
  findBuyerStanding,
  type BuyerStanding,
} from "./store.ts";
