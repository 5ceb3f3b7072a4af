// Believing a bundle without asking anyone: everything is read from the folder
// and computed anew. Any change of any byte makes a claim fail, because the
// manifest is spelled in one way only and names every other byte by its hash.
//
// VRF-1  No bundle, however broken, makes this throw: what is wrong is a claim that fails.
// VRF-2  A flipped bit, a cut, an added or a missing file anywhere makes a claim fail.
// VRF-3  An unpinned signer is not checked, never good.
// VRF-4  Nothing but hashes is computed of bytes that the manifest does not vouch for.
// Held by tests/bundle.test.ts.

import { sha256Hex, type JsonObject } from "@openagents/receipts";
import { openBench, type Bench } from "./bench.ts";
import { checkLinkage } from "./chain.ts";
import { checkInclusions } from "./check-inclusions.ts";
import { checkLog } from "./check-log.ts";
import { checkPayment } from "./check-payment.ts";
import { checkRerun, type RerunOptions } from "./check-rerun.ts";
import { checkReview, checkSecondOpinion, checkVerdict } from "./check-verdict.ts";
import { checkBase, checkOutputs, checkPatch, checkTrees } from "./check-work.ts";
import { NotChecked, claim, collectProblems, type Claim, type ClaimName, type Problems } from "./claims.ts";
import { numberOf, objectsOf, textOf } from "./json-view.ts";
import {
  BUNDLE_SCHEMA,
  MANIFEST_FILE,
  RECEIPTS_FOLDER,
  REPLAY_FILE,
  RUN_RECEIPT_FILE,
  type BundleFiles,
} from "./layout.ts";
import { readBundleFiles } from "./read-files.ts";
import { readReplay, type Replay } from "./replay.ts";
import { readSigned, type SignedFile } from "./signed.ts";
import { storyOf, type ReceiptsById } from "./story.ts";

export type BundleVerification = {
  readonly claims: readonly Claim[];
  /** Nothing fails. Look at the claim `signer` for whether anyone you trust says so. */
  readonly ok: boolean;
};

export type VerifyOptions = {
  /** x-only public keys that the reader trusts, 64 hex digits each. */
  readonly operatorKeys: readonly string[];
  /** Keys of transparency logs that the reader trusts, as signed notes publish theirs; none when absent. */
  readonly logKeys?: readonly string[];
  /** Run the last job's legs again, from the bundle alone; absent: none of its commands is run. */
  readonly rerun?: RerunOptions;
};

/** Check a bundle's folder. Needs git and no server. Never throws. */
export async function verifyBundle(dir: string, options: VerifyOptions): Promise<BundleVerification> {
  const { files, problems: misplaced } = await readBundleFiles(dir);
  const manifest = examine((problems) => readManifest(files, problems));
  const outside: Claim[] = [
    await claim("structure", (problems) => checkStructure(files, misplaced, manifest.value, problems)),
    await claim("manifest", (problems) => describeManifest(take(manifest, problems))),
    await claim("signer", () => checkSigner(readable(manifest.value, MANIFEST_FILE), options.operatorKeys)),
    await claim("files", (problems) => checkFiles(files, readable(manifest.value, MANIFEST_FILE), problems)),
  ];
  const intact = outside.every(({ state }) => state !== "fails");
  const inside =
    intact && manifest.value !== undefined
      ? await checkContents(files, manifest.value, options)
      : skipped(options.rerun);
  const claims = [...outside, ...inside];
  return { claims, ok: claims.every(({ state }) => state !== "fails") };
}

const INSIDE: readonly ClaimName[] = [
  "receipts",
  "run_receipt",
  "replay",
  "log",
  "linkage",
  "base",
  "patch",
  "trees",
  "outputs",
  "verdict",
  "second_opinion",
  "review",
  "payment",
  "inclusion",
];

/** Whether a story hangs together says nothing when it is not the one that was sealed. */
function skipped(rerun: RerunOptions | undefined): Claim[] {
  const names: readonly ClaimName[] = rerun === undefined ? INSIDE : [...INSIDE, "rerun"];
  const detail = "these are not the files that were sealed";
  return names.map((name) => ({ name, state: "not_checked", detail }));
}

async function checkContents(
  files: BundleFiles,
  manifest: SignedFile,
  { rerun, logKeys = [] }: VerifyOptions,
): Promise<Claim[]> {
  const found = examine((problems) => readReceipts(files, manifest, problems));
  const signed = examine((problems) => readSigned(RUN_RECEIPT_FILE, files.get(RUN_RECEIPT_FILE), problems));
  const replay = examine((problems) => readReplay(requireFile(files, REPLAY_FILE), problems));
  const told = examine(() => storyOf(readable(found.value, "a receipt").byId));

  const receipts = () => readable(found.value, "a receipt").byId;
  const runReceipt = () => readable(signed.value, RUN_RECEIPT_FILE).receipt;
  const attempts = () => readable(told.value, "the receipts' story").attempts;
  await using opened = new AsyncDisposableStack();
  const made = told.value?.attempts.map((attempt) => opened.use(openBench(files, attempt)));
  const benches = () => readable(made, "the receipts' story");
  const lastBench = (): Bench | undefined => benches().at(-1);
  const claims = [
    await claim(
      "receipts",
      (problems) => `${take(found, problems).byId.size} receipts are complete and signed by the operator`,
    ),
    await claim("run_receipt", (problems) => checkRunReceipt(take(signed, problems), manifest, problems)),
    await claim("replay", (problems) => describeReplay(take(replay, problems))),
    await claim("log", (problems) =>
      checkLog(readable(replay.value, REPLAY_FILE), runReceipt(), receipts(), problems),
    ),
    await claim("linkage", (problems) => checkLinkage(receipts(), problems)),
    await claim("base", (problems) => checkBase(lastBench(), files, problems)),
    await claim("patch", (problems) => checkPatch(lastBench(), files, problems)),
    await claim("trees", (problems) => checkTrees(benches(), problems)),
    await claim("outputs", (problems) => checkOutputs(files, attempts(), problems)),
    await claim("verdict", (problems) => checkVerdict(benches(), files, problems)),
    await claim("second_opinion", (problems) => checkSecondOpinion(benches(), files, receipts(), problems)),
    await claim("review", (problems) => checkReview(benches(), problems)),
    await claim("payment", (problems) => checkPayment(receipts(), attempts(), runReceipt(), problems)),
    await claim("inclusion", (problems) => {
      const { files: signedFiles } = readable(found.value, "a receipt");
      return checkInclusions(new Map([[MANIFEST_FILE, manifest], ...signedFiles]), logKeys, problems);
    }),
  ];
  if (rerun !== undefined)
    claims.push(await claim("rerun", (problems) => checkRerun(lastBench(), files, rerun, problems)));
  return claims;
}

/** A document that is read once, and what was wrong with it; without a value it could not be read at all. */
type Examined<T> = { readonly value: T | undefined; readonly problems: readonly string[] };

function examine<T>(read: (problems: Problems) => T): Examined<T> {
  const { problems, found } = collectProblems();
  try {
    return { value: read(problems), problems: found };
  } catch (cause) {
    return { value: undefined, problems: [...found, cause instanceof Error ? cause.message : String(cause)] };
  }
}

/** The document, with its problems told in the claim that is about it. */
function take<T>({ value, problems: found }: Examined<T>, problems: Problems): T {
  for (const problem of found) problems.add(problem);
  return readable(value, "it");
}

function readManifest(files: BundleFiles, problems: Problems): SignedFile {
  const signed = readSigned(MANIFEST_FILE, files.get(MANIFEST_FILE), problems);
  problems.same("the schema", textOf(signed.receipt, "schema"), BUNDLE_SCHEMA);
  const paths = objectsOf(signed.receipt, "files").map((file) => textOf(file, "path"));
  if (new Set(paths).size !== paths.length) problems.add("a file is listed twice");
  return signed;
}

function describeManifest({ receipt }: SignedFile): string {
  const count = objectsOf(receipt, "files").length;
  return `${textOf(receipt, "receipt_id")} of ${textOf(receipt, "occurred_at")} lists ${count} files`;
}

function checkStructure(
  files: BundleFiles,
  misplaced: readonly string[],
  manifest: SignedFile | undefined,
  problems: Problems,
): string {
  for (const problem of misplaced) problems.add(problem);
  if (manifest !== undefined) {
    const listed = new Set(objectsOf(manifest.receipt, "files").map((file) => textOf(file, "path")));
    for (const path of files.keys()) {
      if (path !== MANIFEST_FILE && !listed.has(path)) problems.add(`${path} is not in the manifest`);
    }
    for (const path of listed) if (!files.has(path)) problems.add(`${path} is in the manifest, but not here`);
  }
  return `${files.size} files, each in its place`;
}

function checkSigner({ signer }: SignedFile, operatorKeys: readonly string[]): string {
  if (!operatorKeys.includes(signer)) throw new NotChecked(`${signer} is not a key that you pinned`);
  return `${signer} is pinned`;
}

function checkFiles(files: BundleFiles, { receipt }: SignedFile, problems: Problems): string {
  const listed = objectsOf(receipt, "files");
  for (const file of listed) {
    const path = textOf(file, "path");
    const bytes = files.get(path);
    if (bytes === undefined) problems.add(`${path} is missing`);
    else if (numberOf(file, "bytes") !== bytes.length) {
      problems.add(`${path} has ${bytes.length} bytes, not ${numberOf(file, "bytes") ?? "any"}`);
    } else if (textOf(file, "sha256") !== sha256Hex(bytes)) problems.add(`${path} was changed`);
  }
  return `${listed.length} files have the size and hash of the manifest`;
}

function readReceipts(
  files: BundleFiles,
  { receipt: sealed, signer }: SignedFile,
  problems: Problems,
): { readonly byId: ReceiptsById; readonly files: ReadonlyMap<string, SignedFile> } {
  const receipts = new Map<string, JsonObject>();
  const signedFiles = new Map<string, SignedFile>();
  const folder = `${RECEIPTS_FOLDER}/`;
  for (const path of files.keys()) {
    if (!path.startsWith(folder)) continue;
    const signed = readSigned(path, files.get(path), problems);
    const { receipt, signer: by } = signed;
    signedFiles.set(path, signed);
    const id = path.slice(folder.length, -".json".length);
    problems.same(`${path}: the name`, textOf(receipt, "receipt_id"), id);
    problems.same(`${path}: the signer`, by, signer);
    problems.same(`${path}: the run`, textOf(receipt, "run_id"), textOf(sealed, "run_id"));
    problems.same(`${path}: the tenant`, textOf(receipt, "tenant"), textOf(sealed, "tenant"));
    receipts.set(id, receipt);
  }
  if (receipts.size === 0) problems.add("there are no receipts");
  return { byId: receipts, files: signedFiles };
}

function checkRunReceipt(
  { receipt, signer: by }: SignedFile,
  manifest: SignedFile,
  problems: Problems,
): string {
  const { receipt: sealed, signer } = manifest;
  problems.same("the schema", textOf(receipt, "schema"), "openagents.receipt.v2");
  problems.same("the signer", by, signer);
  for (const name of ["run_id", "status", "tenant", "trajectory_hash"]) {
    problems.same(`${name} of the manifest`, textOf(receipt, name), textOf(sealed, name));
  }
  problems.same(
    "through_seq of the manifest",
    numberOf(receipt, "through_seq"),
    numberOf(sealed, "through_seq"),
  );
  return `${textOf(receipt, "run_id")} ${textOf(receipt, "status")}`;
}

function describeReplay(replay: Replay): string {
  return `${replay.throughSeq} events; their chain ends in ${replay.trajectoryHash}`;
}

function requireFile(files: BundleFiles, path: string): Buffer {
  const bytes = files.get(path);
  if (bytes === undefined) throw new Error(`${path} is missing`);
  return bytes;
}

/** What rests on an unreadable document is not checked; that it is unreadable is told by its own claim. */
function readable<T>(document: T | undefined, name: string): T {
  if (document === undefined) throw new NotChecked(`${name} cannot be read`);
  return document;
}
