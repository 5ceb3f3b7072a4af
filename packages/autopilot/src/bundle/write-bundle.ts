// Making a bundle: gather what the run left, have the operator seal the hashes
// of all of it, and put the folder in place in one step, so that a bundle is
// either there and complete or not there.

import { mkdir, mkdtemp, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ProblemError, encode, signedReceiptDesc, type SignedReceipt } from "@openagents/contracts";
import { patchFiles, type PatchFile } from "@openagents/proof";
import { canonicalize, sha256Hex } from "@openagents/receipts";
import { AutopilotError } from "../autopilot-error.ts";
import { reading, type RuntimeClients } from "../clients.ts";
import { LAYERS_BYTES_MAX, artifactsNamed, outputsMissing } from "./artifacts-named.ts";
import { objectOf, textOf } from "./json-view.ts";
import {
  ARTIFACTS_FOLDER,
  BASE_FILE,
  BUNDLE_SCHEMA,
  BYTES_MAX,
  FILES_MAX,
  MANIFEST_FILE,
  PATCH_FILE,
  RECEIPTS_FOLDER,
  REPLAY_FILE,
  RUN_RECEIPT_FILE,
  SUMMARY_FILE,
  type BundleFiles,
} from "./layout.ts";
import { openMsats, storyOf, type Attempt } from "./story.ts";
import { renderSummary, type SummaryFacts } from "./summary.ts";

export type BundleRequest = {
  readonly clients: BundleClients;
  readonly runId: string;
  readonly sessionsDir: string;
  /** Undefined when the run ended before it had one. */
  readonly patch: Buffer | undefined;
  readonly baseBundle: Buffer | undefined;
  readonly summary: Pick<SummaryFacts, "issue" | "agentName" | "checks" | "problem">;
  readonly signal: AbortSignal;
};

export type BundleClients = {
  readonly artifacts: Pick<RuntimeClients["artifacts"], "getArtifact" | "putArtifact" | "statArtifact">;
  readonly receipts: Pick<RuntimeClients["receipts"], "getReceipt" | "listReceipts">;
  readonly runs: Pick<RuntimeClients["runs"], "getRunReceipt" | "getRunReplay" | "sealBundle">;
};

const PAGE = 200;
const GATHER_TRIES_MAX = 5;

/**
 * Gather, seal and write the bundle of a finished run; answers its folder,
 * `{sessionsDir}/{runId}`. Doing it again gives the same files. Throws
 * `bundle_already_sealed` (from the runtime) when the run's bundle was sealed
 * with other files, `bundle_too_large`, and `receipts_not_logged` when the
 * transparency log does not take them in: sealed with proofs and without, a
 * bundle would be two.
 */
export async function writeBundle(request: BundleRequest): Promise<string> {
  const files = await gather(request);
  await storeOwnFiles(request, files);
  const sealed = await request.clients.runs.sealBundle(
    { runId: request.runId, files: [...files].map(([path, bytes]) => describeFile(path, bytes)) },
    // Of the content, so that another attempt with other files is another command.
    { idempotencyKey: `${request.runId}:bundle:${contentHash(files)}`, signal: request.signal },
  );
  const [manifest = sealed.receipt] = await readLogged(request, [
    textOf(sealed.receipt.receipt, "receipt_id"),
  ]);
  return place(request, new Map([...files, [MANIFEST_FILE, signedFile(manifest)]]));
}

async function gather(request: BundleRequest): Promise<BundleFiles> {
  const { runReceipt, replay } = await readLog(request);
  const listed = await listAll(request);
  const receipts = await readLogged(
    request,
    listed.map(({ receipt }) => textOf(receipt, "receipt_id")),
  );
  const { attempts } = storyOf(
    new Map(receipts.map(({ receipt }) => [textOf(receipt, "receipt_id"), receipt])),
  );
  const files = new Map<string, Buffer>();
  files.set(RUN_RECEIPT_FILE, signedFile(runReceipt));
  files.set(REPLAY_FILE, replay);
  for (const receipt of receipts) {
    files.set(`${RECEIPTS_FOLDER}/${textOf(receipt.receipt, "receipt_id")}.json`, signedFile(receipt));
  }
  const spec = objectOf(attempts.at(-1)?.dispatch ?? {}, "spec");
  const patch = await lastInput(request, request.patch, textOf(spec, "patch_sha256"));
  const baseBundle = await lastInput(request, request.baseBundle, textOf(spec, "base_bundle_sha256"));
  if (patch !== undefined) files.set(PATCH_FILE, patch);
  if (baseBundle !== undefined) files.set(BASE_FILE, baseBundle);
  const layersLeft = await gatherArtifacts(request, attempts, files);
  const facts: SummaryFacts = {
    ...request.summary,
    runId: request.runId,
    status: textOf(runReceipt.receipt, "status"),
    files: filesOf(patch),
    attempts,
    openMsats: openMsats(receipts.map(({ receipt }) => receipt)),
    layersLeft,
    readBytes: (sha256) => files.get(`${ARTIFACTS_FOLDER}/${sha256}`),
  };
  files.set(SUMMARY_FILE, Buffer.from(renderSummary(facts)));
  const bytes = [...files.values()].reduce((sum, file) => sum + file.length, 0);
  if (files.size > FILES_MAX || bytes > BYTES_MAX) {
    throw new AutopilotError(
      "bundle_too_large",
      `The bundle has ${files.size} files and ${bytes} bytes; ${FILES_MAX} and ${BYTES_MAX} fit.`,
    );
  }
  return files;
}

/**
 * Store what no job stored, so that whoever may read the run makes the same
 * bundle of its manifest alone. It is a convenience: an organisation without
 * room for it has its bundle in the folder all the same.
 */
async function storeOwnFiles({ clients, signal }: BundleRequest, files: BundleFiles): Promise<void> {
  for (const [path, data] of files) {
    if (path.startsWith(`${RECEIPTS_FOLDER}/`) || path.startsWith(`${ARTIFACTS_FOLDER}/`)) continue;
    const sha256 = sha256Hex(data);
    try {
      if (await isStored(clients, sha256, signal)) continue;
      const content = { contentType: "application/octet-stream", data };
      await clients.artifacts.putArtifact({ sha256, content }, { signal });
    } catch (cause) {
      if (cause instanceof ProblemError && cause.status === 507) return;
      throw cause;
    }
  }
}

/** What the last job was about, which need not be what the buyer had in hand last. */
async function lastInput(
  request: BundleRequest,
  inHand: Buffer | undefined,
  sha256: string,
): Promise<Buffer | undefined> {
  if (sha256 === "" || (inHand !== undefined && sha256Hex(inHand) === sha256)) return inHand;
  return readArtifact(request, sha256);
}

/** Put everything that the attempts name into `files`; answers the layers that are left out. */
async function gatherArtifacts(
  request: BundleRequest,
  attempts: readonly Attempt[],
  files: Map<string, Buffer>,
): Promise<readonly string[]> {
  const { outputs, inputs, layers } = artifactsNamed(attempts);
  const missing = outputsMissing(attempts);
  for (const sha256 of [...outputs, ...inputs]) {
    const bytes = missing.has(sha256) ? undefined : await readArtifact(request, sha256);
    if (bytes !== undefined) files.set(`${ARTIFACTS_FOLDER}/${sha256}`, bytes);
  }
  let room = LAYERS_BYTES_MAX;
  const left: string[] = [];
  for (const sha256 of layers) {
    const bytes = files.get(`${ARTIFACTS_FOLDER}/${sha256}`) ?? (await readArtifact(request, sha256));
    if (bytes === undefined || bytes.length > room) left.push(sha256);
    else {
      room -= bytes.length;
      files.set(`${ARTIFACTS_FOLDER}/${sha256}`, bytes);
    }
  }
  return left;
}

/** Receipt and replay are read one after the other; only a pair that tells of the same head will do. */
async function readLog({
  clients,
  runId,
  signal,
}: BundleRequest): Promise<{ runReceipt: SignedReceipt; replay: Buffer }> {
  for (let tries = 1; tries <= GATHER_TRIES_MAX; tries += 1) {
    const runReceipt = await reading(() => clients.runs.getRunReceipt({ runId }, { signal }), signal);
    const { data } = await reading(() => clients.runs.getRunReplay({ runId }, { signal }), signal);
    const replay = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    const end = `"trajectory_hash":"${textOf(runReceipt.receipt, "trajectory_hash")}"}\n`;
    if (replay.toString("utf8", Math.max(0, replay.length - end.length)) === end)
      return { runReceipt, replay };
  }
  throw new AutopilotError(
    "run_still_moving",
    "The run's log grew each time it was read. Write the bundle again later.",
  );
}

/** All receipts about the run but those of its own bundle, which cannot list themselves. */
async function listAll({ clients, runId, signal }: BundleRequest): Promise<readonly SignedReceipt[]> {
  const receipts: SignedReceipt[] = [];
  let cursor: string | undefined;
  do {
    const page = await reading(
      () => clients.receipts.listReceipts({ subject: runId, limit: PAGE, cursor }, { signal }),
      signal,
    );
    receipts.push(...page.receipts.filter(({ receipt }) => textOf(receipt, "schema") !== BUNDLE_SCHEMA));
    cursor = page.nextCursor;
  } while (cursor !== undefined && receipts.length < FILES_MAX);
  return receipts;
}

/** Receipts with the proofs that they are in the log; each read waits for its own a few seconds. */
async function readLogged(
  { clients, signal }: BundleRequest,
  receiptIds: readonly string[],
): Promise<readonly SignedReceipt[]> {
  const receipts: SignedReceipt[] = [];
  for (const receiptId of receiptIds) {
    const read = () => reading(() => clients.receipts.getReceipt({ receiptId }, { signal }), signal);
    let receipt = await read();
    for (let tries = 1; receipt.inclusion === undefined; tries += 1) {
      if (tries === GATHER_TRIES_MAX)
        throw new AutopilotError(
          "receipts_not_logged",
          `The transparency log has not taken in ${receiptId}. Write the bundle again later.`,
        );
      receipt = await read();
    }
    receipts.push(receipt);
  }
  return receipts;
}

/** What was never stored, or is gone, is not there to be had. */
async function readArtifact({ clients, signal }: BundleRequest, sha256: string): Promise<Buffer | undefined> {
  const found = await unlessMissing(
    reading(() => clients.artifacts.getArtifact({ sha256 }, { signal }), signal),
  );
  return found === undefined
    ? undefined
    : Buffer.from(found.data.buffer, found.data.byteOffset, found.data.byteLength);
}

async function isStored(clients: BundleClients, sha256: string, signal: AbortSignal): Promise<boolean> {
  const stat = () => clients.artifacts.statArtifact({ sha256 }, { signal });
  return (await unlessMissing(reading(stat, signal))) !== undefined;
}

async function unlessMissing<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (cause) {
    if (cause instanceof Error && "status" in cause && cause.status === 404) return undefined;
    throw cause;
  }
}

/** A patch that cannot be read as one has no files to show; the claims about it fail elsewhere. */
function filesOf(patch: Buffer | undefined): readonly PatchFile[] {
  try {
    return patch === undefined ? [] : patchFiles(patch.toString("utf8"));
  } catch {
    return [];
  }
}

/** A signed receipt as every bundle holds it: canonical JSON and a newline. */
function signedFile(signed: SignedReceipt): Buffer {
  return Buffer.from(`${canonicalize(encode(signedReceiptDesc, signed))}\n`);
}

function describeFile(path: string, bytes: Buffer) {
  return { path, sha256: sha256Hex(bytes), bytes: BigInt(bytes.length) };
}

function contentHash(files: BundleFiles): string {
  const lines = [...files].map(([path, bytes]) => `${sha256Hex(bytes)} ${path}\n`);
  return sha256Hex(lines.toSorted().join("")).slice(0, 32);
}

async function place({ sessionsDir, runId }: BundleRequest, files: BundleFiles): Promise<string> {
  await mkdir(sessionsDir, { recursive: true, mode: 0o700 });
  const target = join(sessionsDir, runId);
  const partial = await mkdtemp(join(sessionsDir, `.${runId}-`));
  try {
    for (const [path, bytes] of files) {
      await mkdir(dirname(join(partial, path)), { recursive: true });
      await writeFlushed(join(partial, path), bytes);
    }
    // A rename does not replace a folder that has files; an earlier one makes room.
    await rm(target, { recursive: true, force: true });
    await rename(partial, target);
    return target;
  } catch (cause) {
    await rm(partial, { recursive: true, force: true });
    throw cause;
  }
}

async function writeFlushed(path: string, bytes: Buffer): Promise<void> {
  await using file = await open(path, "wx", 0o644);
  await file.writeFile(bytes);
  await file.sync();
}
