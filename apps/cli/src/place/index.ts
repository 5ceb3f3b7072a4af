export { clientOf, openCredit, openProviders, stopPlace, waitForUsers } from "./market.ts";
export { openPlace, type Place, type PlaceOptions } from "./place.ts";
export { stepOf } from "./step-of.ts";
