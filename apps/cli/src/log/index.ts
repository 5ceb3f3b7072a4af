export { findContradiction, type ReadTile } from "./compare-heads.ts";
export { keptCheckpoints } from "./kept-checkpoints.ts";
export { lookAtLog, type Look, type LogSource } from "./watch-log.ts";
