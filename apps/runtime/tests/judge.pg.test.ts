// The decision on a report is made once, and one about damaged bytes is made again.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { connect } from "@openagents/postgres";
import { diskStore, openReader } from "../src/artifacts/index.ts";
import { findJob } from "../src/jobs/index.ts";
import { openJudge } from "../src/verification/index.ts";
import { FIXED, startMarket, work } from "./market.ts";

const OUTPUT = "TAP version 13\n";

test("a decision is remembered, except one about damaged bytes, which may be put back", async (t) => {
  const market = await startMarket(t);
  const { job_id: jobId } = await work(market, market.first, FIXED);
  const db = connect({ url: market.runtime.databaseUrl, applicationName: "test" });
  t.after(() => db.close());
  const job = await findJob(db, jobId);
  assert.ok(job);
  const { artifactsDir } = market.runtime;
  const artifacts = openReader({ db, store: diskStore(artifactsDir), nowMs: Date.now });
  const judge = openJudge({ db, artifacts });
  const verdict = async () => (await judge.decide(job))[0]?.verdict;
  const sha256 = createHash("sha256").update(OUTPUT).digest("hex");
  const [row] = await db.query<{ blob: string }>(
    { name: "test.blob", text: "SELECT blob FROM runtime.artifacts WHERE sha256 = $1" },
    [sha256],
  );
  assert.ok(row);
  const { blob } = row;
  const store = (content: string) => writeFile(join(artifactsDir, blob.slice(0, 2), blob), content);

  await store("damaged");
  assert.equal(await verdict(), "inconclusive");
  await store(OUTPUT);
  assert.equal(await verdict(), "proven", "the decision on damaged bytes was not kept");
  await store("damaged");
  assert.equal(await verdict(), "proven", "the bytes are not read again");
});
