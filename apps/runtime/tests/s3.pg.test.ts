// The runtime on a bucket: the same answers as on a disk, and nothing stays behind.

import assert from "node:assert/strict";
import { test } from "node:test";
import { configFromEnv } from "@openagents/runtime";
import { ConfigError } from "@openagents/service";
import { startHarness } from "./harness.ts";
import { signedFetch, startS3Server } from "./s3-server.ts";
import { collect, filesOf, put, statusOf, stored } from "./store.ts";

const DAY_MS = 24 * 3_600_000;

test("what is stored in a bucket is read, checked, and collected", async (t) => {
  const server = await startS3Server(t);
  if (server === undefined) return;
  let nowMs = 1_790_000_000_000;
  const s3 = { ...server, prefix: "artifacts/" };
  const runtime = await startHarness(t, { nowMs: () => nowMs, s3 });
  const keys = async () =>
    [...(await (await signedFetch(server, "GET", "/artifacts")).text()).matchAll(/<Key>([^<]+)</g)].map(
      ([, key = ""]) => key,
    );
  const sha256 = await stored(runtime, "in a bucket");
  assert.equal((await runtime.get(`/internal/v1/artifacts/${sha256}`)).text, "in a bucket");
  assert.deepEqual(filesOf(runtime), [], "what arrived is not left on the disk");
  assert.equal((await put(runtime, "in a bucket")).status, 200);
  assert.equal((await keys()).length, 2);
  assert.equal((await collect(runtime)).blobs, 1, "the second copy goes at once");

  const [key = ""] = await keys();
  assert.ok((await signedFetch(server, "PUT", `/artifacts/${key}`, "not a bucket")).ok);
  const isAnswered = await runtime.get(`/internal/v1/artifacts/${sha256}`).then(
    ({ status }) => status === 200,
    () => false,
  );
  assert.equal(isAnswered, false, "bytes with another hash are never answered as whole");
  assert.ok((await signedFetch(server, "DELETE", `/artifacts/${key}`)).ok);
  assert.equal(await statusOf(runtime, sha256), 404);
  await stored(runtime, "in a bucket");
  assert.equal(await statusOf(runtime, sha256), 200, "an upload puts back what was lost");

  nowMs += 7 * DAY_MS;
  assert.equal((await collect(runtime)).removed, 1);
  nowMs += 600_000;
  await collect(runtime);
  assert.deepEqual(await keys(), []);
});

test("a bucket's settings are whole or refused by name, and none means a disk", () => {
  const env = {
    DATABASE_URL: "postgres://runtime@127.0.0.1/runtime",
    RUNTIME_ARTIFACTS_DIR: "artifacts",
    RUNTIME_RECEIPT_KEY: "11".repeat(32),
    RUNTIME_LOG_ORIGIN: "runtime.test/log",
    RUNTIME_LOG_KEY: "22".repeat(32),
    OPENAGENTS_JWKS_URL: "http://127.0.0.1/jwks",
    CONTROL_URL: "http://127.0.0.1:8787",
    CONTROL_SERVICE_KEY: "key-of-a-test",
    OPENAGENTS_ISSUER: "issuer",
  };
  const bucket = {
    RUNTIME_ARTIFACTS_S3_ENDPOINT: "https://s3.example.org",
    RUNTIME_ARTIFACTS_S3_BUCKET: "b",
    RUNTIME_ARTIFACTS_S3_ACCESS_KEY_ID: "id",
    RUNTIME_ARTIFACTS_S3_SECRET_ACCESS_KEY: "canary-of-a-secret-key",
  };
  assert.equal(configFromEnv(env).s3, undefined);
  assert.equal(configFromEnv({ ...env, ...bucket }).s3?.bucket, "b");
  const wrong = [
    ...Object.keys(bucket).map((name) => [name, ""] as const),
    ["RUNTIME_ARTIFACTS_S3_ENDPOINT", "s3.example.org"] as const,
    ["RUNTIME_ARTIFACTS_S3_ENDPOINT", "https://s3.example.org/"] as const,
    ["RUNTIME_ARTIFACTS_S3_PREFIX", "../other"] as const,
  ];
  for (const [name, value] of wrong) {
    assert.throws(
      () => configFromEnv({ ...env, ...bucket, [name]: value }),
      (error: unknown) =>
        error instanceof ConfigError && error.message.includes(name) && !error.message.includes("canary"),
    );
  }
});
