export { heldZone, isOperator, mayReceiveSource, type SourceOrder, type Standing } from "./zones.ts";
