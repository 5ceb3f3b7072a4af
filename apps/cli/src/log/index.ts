export { isAway, retryMs } from "./away.ts";
export { findContradiction, type ReadTile } from "./compare-heads.ts";
export { keptCheckpoints } from "./kept-checkpoints.ts";
export { headToWire, hexOf, isFine, lookLine, lookToWire } from "./look-words.ts";
export { openLog, pinnedKeys, sourceOf, urlOf, type LogOptions } from "./open-log.ts";
export { readTilesOf } from "./tile-folder.ts";
export { lookAtLog, type Look, type LogSource } from "./watch-log.ts";
