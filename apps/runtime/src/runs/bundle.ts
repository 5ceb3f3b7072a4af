// Sealing a bundle: the operator signs the hashes of its files, once for each
// state of the run's log.

import type {
  BundleFile,
  CommandCall,
  CommandReply,
  SealBundleRequest,
  SealBundleResponse,
} from "@openagents/contracts";
import { findReceipt, signStored, type Authority, type ReceiptSigner } from "@openagents/authority";
import type { Tx } from "@openagents/postgres";
import { canonicalize, parseStrict, type JsonObject, type JsonValue } from "@openagents/receipts";
import { invalidField } from "@openagents/service";
import { isFinished, type Run } from "./run.ts";
import { requireLockedRun } from "./service.ts";
import { updateRun } from "./store.ts";

export type BundleDeps = {
  readonly authority: Authority;
  readonly signer: ReceiptSigner;
  /** Keeps the files of a bundle that are stored here from being collected. */
  readonly keepArtifacts: (tx: Tx, org: string, hashes: readonly string[], nowMs: number) => Promise<unknown>;
};

/**
 * Sign a finished run's bundle manifest. Refused with 409 `run_not_finished`,
 * then `bundle_already_sealed` when the run has another manifest and no event
 * since; the same manifest again answers the receipt that it has. A manifest of
 * a log that grew gets a receipt that names the one before in `supersedes`.
 */
export function sealBundle(
  deps: BundleDeps,
  call: CommandCall,
  request: SealBundleRequest,
): Promise<CommandReply> {
  return deps.authority.execute<SealBundleResponse>(call, request, async (command) => {
    const files = sortedFiles(request.files);
    const run = await requireLockedRun(command.tx, call.principal.org, request.runId);
    if (!isFinished(run.status)) {
      return {
        kind: "refused",
        rule: "state",
        reason: "run_not_finished",
        detail: `The run is ${run.status}. Append \`run.finished\` before sealing its bundle.`,
      };
    }
    const sealed = await findSealed(command.tx, run);
    if (sealed !== undefined) {
      if (canonicalize(sealed.files) === canonicalize(files)) {
        return { kind: "answer", output: { receipt: signStored(deps.signer, sealed.body) }, writes: [] };
      }
      if (sealed.throughSeq >= run.latestSeq) {
        return {
          kind: "refused",
          rule: "state",
          reason: "bundle_already_sealed",
          detail: `The run's bundle is sealed by receipt ${sealed.receiptId} with other files, and nothing has happened to the run since.`,
        };
      }
    }

    const nowMs = command.nowMs();
    const hashes = files.map(({ sha256 }) => sha256);
    await deps.keepArtifacts(command.tx, run.org, hashes, nowMs);
    const receipt = command.seal(
      "openagents.runtime.bundle.v1",
      run.runId,
      {
        run_id: run.runId,
        status: run.status,
        trajectory_hash: `sha256:${run.trajectoryHash}`,
        through_seq: Number(run.latestSeq),
        files,
        ...(sealed === undefined ? {} : { supersedes: sealed.receiptId }),
      },
      nowMs,
    );
    return {
      kind: "answer",
      output: { receipt: signStored(deps.signer, canonicalize(receipt)) },
      // Sealing is not a change of the run. What settles later is in the next bundle: this one is the run through `through_seq`.
      writes: [updateRun({ ...run, bundleReceiptId: receipt.receipt_id })],
    };
  });
}

type Sealed = {
  readonly receiptId: string;
  readonly throughSeq: bigint;
  readonly files: JsonValue;
  /** The receipt as it is stored. */
  readonly body: string;
};

/** The run's latest bundle receipt; undefined before the first. */
async function findSealed(tx: Tx, run: Run): Promise<Sealed | undefined> {
  const receiptId = run.bundleReceiptId;
  if (receiptId === undefined) return undefined;
  const stored = await findReceipt(tx, run.org, receiptId);
  if (stored === undefined) throw new Error(`receipt ${receiptId} of ${run.runId} is not stored`);
  const { through_seq: throughSeq, files = null } = parseStrict(stored.body) as JsonObject;
  if (typeof throughSeq !== "number") throw new Error(`receipt ${receiptId} has no through_seq`);
  return { receiptId, throughSeq: BigInt(throughSeq), files, body: stored.body };
}

function sortedFiles(files: readonly BundleFile[]): { path: string; sha256: string; bytes: number }[] {
  const sorted = files.map((file) => ({ path: file.path, sha256: file.sha256, bytes: Number(file.bytes) }));
  sorted.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  for (const [index, file] of sorted.entries()) {
    if (
      file.path.startsWith("/") ||
      file.path.split("/").some((part) => part === "" || part === "." || part === "..")
    ) {
      throw invalidField("files.path", "path_invalid", `\`${file.path}\` is not a plain relative path.`);
    }
    if (file.path === "BUNDLE.json") {
      throw invalidField(
        "files.path",
        "path_invalid",
        "BUNDLE.json is the manifest itself and is not listed in it.",
      );
    }
    if (index > 0 && sorted[index - 1]?.path === file.path) {
      throw invalidField("files.path", "path_repeated", `\`${file.path}\` is listed twice.`);
    }
  }
  return sorted;
}
