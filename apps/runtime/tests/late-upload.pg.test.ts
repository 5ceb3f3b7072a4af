// Bytes that take longer than the lease under which they are handed in.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { manualClock } from "@openagents/testing";
import { claim, report, startMarket } from "./market.ts";

const LEASE_MS = 30_000;

test("an upload that outlives its lease is handed in for no job, however early it began", async (t) => {
  const clock = manualClock(Date.now());
  const market = await startMarket(t, { nowMs: clock.nowMs });
  const claimed = await claim(market, market.first);
  const content = "TAP version 13\n";
  const sha256 = createHash("sha256").update(content).digest("hex");
  const incoming = join(market.runtime.artifactsDir, "incoming");

  const answer = await fetch(
    `${market.runtime.url}/internal/v1/artifacts/${sha256}?lease_id=${claimed.lease.lease_id}`,
    {
      method: "PUT",
      body: new ReadableStream({
        async start(body) {
          body.enqueue(Buffer.from(content.slice(0, 5)));
          // The lease was looked at, and the first bytes are being written.
          while ((await readdir(incoming)).length === 0) await new Promise(setImmediate);
          clock.advance(LEASE_MS);
          body.enqueue(Buffer.from(content.slice(5)));
          body.close();
        },
      }),
      duplex: "half",
      headers: { authorization: `Bearer ${market.first.token}`, "content-type": "application/octet-stream" },
    },
  );
  assert.equal(answer.status, 409, await answer.text());
  assert.equal(
    (await market.runtime.get(`/internal/v1/artifacts/${sha256}`)).status,
    404,
    "the buyer has it not",
  );

  const again = await claim(market, market.first);
  assert.equal(again.job.job_id, claimed.job.job_id);
  await report(market, market.first, again, { baseExit: 1, patchedExit: 0, outputSha256: sha256 });
  const verified = await market.runtime.post("/internal/v1/verifications/sandbox-run", {
    job_id: claimed.job.job_id,
  });
  assert.match(verified.json.verification.violations[0], /^output_missing:/);
});
