export { growTree, type Growth, type TileRoot, type TreeEdge } from "./append.ts";
export {
  openCheckpoint,
  parseCheckpoint,
  signCheckpoint,
  type Checkpoint,
  type TreeHead,
} from "./checkpoint.ts";
export { emptyRoot, equalHashes, hashLeaf, type Range } from "./merkle.ts";
export { NoteError, formatNoteKey, noteKeyOf, parseNote, parseNoteKey, type NoteKey } from "./note.ts";
export { consistencyRanges, inclusionRanges, verifyConsistency, verifyInclusion } from "./proofs.ts";
export {
  TILE_WIDTH,
  encodeEntries,
  joinPerfect,
  parseTile,
  parseTilePath,
  rangeHashes,
  tilePath,
  tilesOf,
  widthIn,
  type TileId,
} from "./tiles.ts";
