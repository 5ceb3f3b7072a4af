export { openLnd, type LndConfig, type LndNode } from "./lnd-node.ts";
export { LndError, LndRest, type LndRestConfig, type Wait } from "./rest.ts";
