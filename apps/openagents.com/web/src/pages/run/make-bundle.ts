// The evidence of a run as an archive: its receipts with their proofs, its
// replay, its patch, and what the check printed. It holds what the bundle on the
// computer that ran it holds, but for the base and the sealed manifest.

import { Receipts, Runs, encodeText, signedReceiptDesc } from "@openagents/contracts";
import { foldRun } from "@openagents/ui";
import { client } from "../../api.ts";
import { readEvents } from "../runs-reads.ts";
import { readArtifact } from "./read-artifact.ts";
import { zip, type ZipFile } from "./zip.ts";

export async function makeBundle(runId: string): Promise<Blob> {
  const signal = new AbortController().signal;
  const events = await readEvents(runId, signal);
  const story = foldRun(events);
  const files: ZipFile[] = [];
  const replay = await client(Runs).getRunReplay({ runId });
  files.push({ name: "REPLAY.jsonl", bytes: replay.data });
  const receipt = await client(Runs).getRunReceipt({ runId });
  files.push({ name: "RECEIPT.json", bytes: textBytes(encodeText(signedReceiptDesc, receipt)) });

  const receiptIds = new Set(story.steps.flatMap(({ receiptId }) => receiptId ?? []));
  for (const receiptId of receiptIds) {
    const signed = await client(Receipts).getReceipt({ receiptId });
    files.push({
      name: `receipts/${receiptId}.json`,
      bytes: textBytes(encodeText(signedReceiptDesc, signed)),
    });
  }
  const patch = story.patches.at(-1);
  const diff = patch === undefined ? undefined : await readArtifact(patch.sha256);
  if (diff !== undefined) files.push({ name: "patch.diff", bytes: diff });
  for (const hash of outputHashes(story.outcome)) {
    const bytes = await readArtifact(hash);
    if (bytes !== undefined) files.push({ name: `artifacts/${hash}`, bytes });
  }
  return new Blob([zip(files)], { type: "application/zip" });
}

function outputHashes(outcome: ReturnType<typeof foldRun>["outcome"]): Set<string> {
  const legs = [...(outcome?.first.legs ?? []), ...(outcome?.second?.legs ?? [])];
  const commands = legs.flatMap((leg) => leg.commands);
  return new Set(
    commands.flatMap(({ stdoutSha256, stderrSha256 }) => [stdoutSha256 ?? [], stderrSha256 ?? []].flat()),
  );
}

function textBytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
