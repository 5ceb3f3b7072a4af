// What screens share and no browser is needed for: formats, words, and folds.

export { formatBytes, formatCount, shortId } from "./format-id.ts";
export { formatMsats, formatSats, formatSatsNumber } from "./format-sats.ts";
export { parseSats } from "./parse-sats.ts";
export { formatAbsolute, formatDuration, formatRelative } from "./format-time.ts";
export { examineReceipt, overall, type Pins, type ReceiptClaim } from "./receipts/examine-receipt.ts";
export { describeEvent, type Phase, type Step } from "./run/describe-event.ts";
export { parseDiff, type DiffHunk, type DiffLine, type FileDiff } from "./run/diff.ts";
export { numberAt, textAt, type LoggedEvent } from "./run/event.ts";
export {
  foldRun,
  type CheckLeg,
  type CheckRun,
  type LegCommand,
  type MoneyStep,
  type Outcome,
  type Patch,
  type RunStory,
} from "./run/fold-run.ts";
export { sentence, statusWord, type StatusWord, type Tone } from "./status-words.ts";
