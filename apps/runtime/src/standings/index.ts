export { countAgreeing, countSettled, findAgreeing } from "./store.ts";
