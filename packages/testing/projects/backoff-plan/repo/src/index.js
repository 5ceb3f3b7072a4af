export { duration } from "./duration.js";
export { describe, plan } from "./plan.js";
