// Published vectors, kept outside the repository: in the folder that
// OPENAGENTS_VECTORS names, or beside the repository in shared/vectors.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { canonicalize, parseStrict, payloadHash, type JsonValue } from "@openagents/receipts";

const FOLDER =
  process.env["OPENAGENTS_VECTORS"] ?? fileURLToPath(new URL("../../../../shared/vectors", import.meta.url));

test("RFC 8785's own examples come out byte for byte", (t) => {
  const cases = readVectors(t, "jcs.json") as Record<string, string | { input: string; output: string }>;
  for (const [name, example] of Object.entries(cases ?? {})) {
    if (typeof example === "string") continue;
    assert.equal(canonicalize(parseStrict(example.input)), example.output, name);
    assert.equal(
      canonicalize(parseStrict(example.output)),
      example.output,
      `${name}: canonical text is a fixed point`,
    );
  }
});

test("stream payloads have the published canonical text and hash", (t) => {
  const file = readVectors(t, "spacetime_payload_hash_vectors.v1.json") as {
    vectors: { name: string; payload: JsonValue; canonical_json: string; sha256: string }[];
  };
  for (const vector of file?.vectors ?? []) {
    assert.equal(canonicalize(vector.payload), vector.canonical_json, vector.name);
    assert.equal(payloadHash(vector.payload), vector.sha256, vector.name);
  }
});

/** Skips the test, visibly, where the vectors are not at hand. */
function readVectors(t: TestContext, name: string): unknown {
  try {
    return JSON.parse(readFileSync(`${FOLDER}/${name}`, "utf8"));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    t.skip(`no ${name}; name its folder in OPENAGENTS_VECTORS`);
    return undefined;
  }
}
