// Bytes put, read and collected over HTTP, and what is left of them on the disk.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import type { Harness } from "./harness.ts";

export function hashOf(content: string): string {
  return createHash("sha256").update(content).digest("hex");
}

/** PUT as someone, with a fresh token; the hash is the content's own unless another one is given. */
export async function put(runtime: Harness, content: string, token?: string, sha256 = hashOf(content)) {
  const response = await fetch(`${runtime.url}/internal/v1/artifacts/${sha256}`, {
    method: "PUT",
    body: content,
    headers: {
      authorization: `Bearer ${token ?? (await runtime.token())}`,
      "content-type": "application/octet-stream",
    },
  });
  const text = await response.text();
  return { status: response.status, text, json: JSON.parse(text) };
}

export async function stored(runtime: Harness, content: string, token?: string): Promise<string> {
  const answer = await put(runtime, content, token);
  assert.equal(answer.status, 200, answer.text);
  return answer.json.sha256;
}

/** PUT whose sender goes away in the middle of the body. */
export async function putHalf(runtime: Harness, content: string): Promise<void> {
  const token = await runtime.token();
  await new Promise<void>((resolve) => {
    const sent = httpRequest(`${runtime.url}/internal/v1/artifacts/${hashOf(content)}`, {
      method: "PUT",
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": "application/octet-stream",
        "content-length": content.length * 2,
      },
    });
    sent.on("error", () => resolve());
    sent.write(content, () => sent.destroy());
    sent.on("close", () => resolve());
  });
}

export async function statusOf(runtime: Harness, sha256: string, token?: string): Promise<number> {
  const options = { token: token ?? (await runtime.token()) };
  return (await runtime.get(`/internal/v1/artifacts/${sha256}`, options)).status;
}

/** Collect all pages, or look at the first one; the sums of the reports. */
export async function collect(runtime: Harness, body: object = {}) {
  const sums = { ended: 0, kept: 0, removed: 0, bytes: 0, blobs: 0 };
  for (;;) {
    const token = await runtime.token();
    const answer = await runtime.post("/internal/v1/artifacts/collect", body, { token });
    assert.equal(answer.status, 200, answer.text);
    sums.ended += answer.json.grants_ended;
    sums.kept += answer.json.grants_kept;
    sums.removed += answer.json.artifacts_removed;
    sums.bytes += answer.json.bytes_removed;
    sums.blobs += answer.json.blobs_deleted;
    if (!answer.json.more || "dry_run" in body) return sums;
  }
}

export async function usageOf(runtime: Harness, token?: string): Promise<readonly [number, number]> {
  const listed = await runtime.get("/internal/v1/artifacts", { token: token ?? (await runtime.token()) });
  assert.equal(listed.status, 200, listed.text);
  return [listed.json.stored_bytes, listed.json.stored_objects];
}

/** Every file of the store, also what is only arriving. */
export function filesOf(runtime: Harness): string[] {
  return readdirSync(runtime.artifactsDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
