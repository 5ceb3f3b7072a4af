// The names inside a bundle, fixed by its schema `openagents.runtime.bundle.v1`.

export const BUNDLE_SCHEMA = "openagents.runtime.bundle.v1";

export const SUMMARY_FILE = "PR_SUMMARY.md";
export const RUN_RECEIPT_FILE = "RECEIPT.json";
export const REPLAY_FILE = "REPLAY.jsonl";
export const MANIFEST_FILE = "BUNDLE.json";
/** Absent when the run ended before it had one. */
export const PATCH_FILE = "patch.diff";
/** Absent when the run ended before it had one. */
export const BASE_FILE = "base.bundle";
export const RECEIPTS_FOLDER = "receipts";
export const ARTIFACTS_FOLDER = "artifacts";

export const FILES_MAX = 2_000;
export const BYTES_MAX = 512 * 1024 * 1024;

export type BundleFiles = ReadonlyMap<string, Buffer>;
