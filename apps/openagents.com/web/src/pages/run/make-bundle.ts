// A run's bundle as an archive, file for file the one that its executor made: the
// operator signed a manifest of its files, and each is read here and compared with
// it. `openagents verify` takes the archive as it is. Nothing is left out in
// silence: a file that is not kept any more ends the download, by its name.

import { canonicalize, sha256Hex } from "@openagents/receipts";
import { ProblemError, Receipts, encode, signedReceiptDesc, type SignedReceipt } from "@openagents/contracts";
import { client } from "../../api.ts";
import { readArtifact } from "./read-artifact.ts";
import { zip, type ZipFile } from "./zip.ts";

const MANIFEST_SCHEMA = "openagents.runtime.bundle.v1";

/** Receipts come one by one and each is small; more at a time would only wait for each other. */
const AT_ONCE = 6;

export async function makeBundle(runId: string): Promise<Blob> {
  const newest = await client(Receipts).listReceipts({ subject: runId, schema: MANIFEST_SCHEMA, limit: 1 });
  const receiptId = newest.receipts[0]?.receipt["receipt_id"];
  if (typeof receiptId !== "string")
    throw problem(
      "bundle_not_sealed",
      "The computer that ran it has not handed in its bundle. It does so when the run ends; try again then.",
    );
  const manifest = await client(Receipts).getReceipt({ receiptId });
  const files: ZipFile[] = [{ name: "BUNDLE.json", bytes: signedFile(manifest) }];
  const listed = listedFiles(manifest);
  for (let at = 0; at < listed.length; at += AT_ONCE)
    files.push(...(await Promise.all(listed.slice(at, at + AT_ONCE).map(readListed))));
  return new Blob([zip(files)], { type: "application/zip" });
}

type Listed = { readonly path: string; readonly sha256: string };

function listedFiles({ receipt }: SignedReceipt): readonly Listed[] {
  const files: unknown = receipt["files"];
  return (Array.isArray(files) ? files : []).map((file: unknown) => {
    const { path, sha256 } = Object(file);
    return { path: String(path), sha256: String(sha256) };
  });
}

async function readListed({ path, sha256 }: Listed): Promise<ZipFile> {
  const receiptId = /^receipts\/(.+)\.json$/.exec(path)?.[1];
  const bytes =
    receiptId === undefined
      ? await readArtifact(sha256)
      : signedFile(await client(Receipts).getReceipt({ receiptId }));
  if (bytes === undefined)
    throw problem(
      "bundle_file_gone",
      `${path} is not kept here any more. The bundle on the computer that ran it has it.`,
    );
  if (sha256Hex(bytes) !== sha256)
    throw problem("bundle_file_changed", `${path} is not the file that the manifest names. Report this.`);
  return { name: path, bytes };
}

/** As every bundle holds it: canonical JSON and a newline. */
function signedFile(signed: SignedReceipt): Uint8Array {
  return new TextEncoder().encode(`${canonicalize(encode(signedReceiptDesc, signed))}\n`);
}

function problem(code: string, detail: string): ProblemError {
  return new ProblemError({ status: 409, code, detail });
}
