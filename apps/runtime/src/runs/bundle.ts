// Sealing a bundle: the operator signs the hashes of its files, once per run.

import type { Authority } from "@openagents/authority";
import type {
  BundleFile,
  CommandCall,
  CommandReply,
  SealBundleRequest,
  SealBundleResponse,
} from "@openagents/contracts";
import { findReceipt } from "@openagents/authority";
import { canonicalize, parseStrict, type JsonObject } from "@openagents/receipts";
import { invalidField } from "../problems.ts";
import { signStored, type Signer } from "../receipts/index.ts";
import { isFinished } from "./run.ts";
import { requireLockedRun } from "./service.ts";
import { updateRun } from "./store.ts";

export type BundleDeps = { readonly authority: Authority; readonly signer: Signer };

/**
 * Sign a finished run's bundle manifest. Refused with 409 `run_not_finished`,
 * then `bundle_already_sealed` when the run has another manifest; the same
 * manifest again answers the receipt that it has.
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
    if (run.bundleReceiptId !== undefined) {
      const stored = await findReceipt(command.tx, run.org, run.bundleReceiptId);
      if (stored === undefined)
        throw new Error(`receipt ${run.bundleReceiptId} of ${run.runId} is not stored`);
      const sealed = parseStrict(stored.body) as JsonObject;
      if (canonicalize(sealed["files"] ?? null) === canonicalize(files)) {
        return { kind: "answer", output: { receipt: signStored(deps.signer, stored.body) }, writes: [] };
      }
      return {
        kind: "refused",
        rule: "state",
        reason: "bundle_already_sealed",
        detail: `The run's bundle is sealed by receipt ${run.bundleReceiptId} with other files.`,
      };
    }

    const nowMs = command.nowMs();
    const receipt = command.seal(
      "openagents.runtime.bundle.v1",
      run.runId,
      {
        run_id: run.runId,
        status: run.status,
        trajectory_hash: `sha256:${run.trajectoryHash}`,
        through_seq: Number(run.latestSeq),
        files,
      },
      nowMs,
    );
    return {
      kind: "answer",
      output: { receipt: signStored(deps.signer, canonicalize(receipt)) },
      // Sealing is not a change of the run. What settles later is not in the bundle: it is the run through `through_seq`.
      writes: [updateRun({ ...run, bundleReceiptId: receipt.receipt_id })],
    };
  });
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
