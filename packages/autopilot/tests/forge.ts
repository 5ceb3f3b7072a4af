// A careless or bought operator: receipts changed after the fact, and everything
// signed and listed again, so that only what a claim itself checks can fail.

import { cp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import {
  canonicalize,
  parseStrict,
  sealReceipt,
  sha256Hex,
  signReceipt,
  type JsonObject,
  type Receipt,
} from "@openagents/receipts";
import { OPERATOR_SECRET } from "./recorded-run.ts";
import { temporaryFolder } from "./temporary-folder.ts";

export async function listFiles(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
}

export async function copyOf(t: TestContext, dir: string): Promise<string> {
  const copy = join(await temporaryFolder(t), "copy");
  await cp(dir, copy, { recursive: true });
  return copy;
}

/** Seal the folder's manifest again as the operator would. */
export async function reseal(dir: string): Promise<void> {
  const file = join(dir, "BUNDLE.json");
  const { receipt_id: _, canonical_json_sha256: __, ...facts } = memberOf(await readFile(file), "receipt");
  const files = [];
  for (const path of await listFiles(dir)) {
    const name = path.slice(dir.length + 1);
    if (name === "BUNDLE.json") continue;
    const bytes = await readFile(path);
    files.push({ path: name, sha256: sha256Hex(bytes), bytes: bytes.length });
  }
  await writeFile(file, signedText(sealAgain({ ...facts, files })));
}

/** A copy in which one receipt, of those that the change is about, says something else, and all is signed again. */
export async function forged(
  t: TestContext,
  bundleDir: string,
  prefix: string,
  change: (facts: JsonObject) => JsonObject,
): Promise<string> {
  const dir = await copyOf(t, bundleDir);
  const names = (await readdir(join(dir, "receipts"))).filter((file) => file.startsWith(`${prefix}_`));
  for (const file of names.map((name) => join(dir, "receipts", name))) {
    const { receipt_id: _, canonical_json_sha256: __, ...facts } = memberOf(await readFile(file), "receipt");
    const changed = change(facts);
    if (canonicalize(changed) === canonicalize(facts)) continue;
    const receipt = sealAgain(changed);
    await rm(file);
    await writeFile(join(dir, "receipts", `${receipt.receipt_id}.json`), signedText(receipt));
    await reseal(dir);
    return dir;
  }
  throw new Error(`the change alters no receipt of ${prefix}`);
}

function signedText(receipt: Receipt): string {
  return `${canonicalize({ receipt, signature: signReceipt(receipt, OPERATOR_SECRET) })}\n`;
}

/** As the operator would, whatever the facts say. */
function sealAgain(facts: JsonObject): Receipt {
  return sealReceipt(facts as Parameters<typeof sealReceipt>[0]);
}

function memberOf(bytes: Buffer, name: string): JsonObject {
  const document = parseStrict(bytes) as JsonObject;
  return document[name] as JsonObject;
}
