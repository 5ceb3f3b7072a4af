// A buyer without an agent: one order for a check of a tiny repository, as the
// owner of a running stack.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import {
  Artifacts,
  Jobs,
  Marketplace,
  Runs,
  Treasury,
  Verification,
  createClient,
} from "@openagents/contracts";
import type { Job } from "@openagents/contracts";
import type { Home } from "./openagents.ts";

const WAIT_MS_MAX = 60_000;

export type Order = {
  readonly jobId: string;
  /** Wait until the job is as wanted; rejects after a minute. */
  until(wanted: (job: Job) => boolean): Promise<Job>;
  /** Have the reported result judged, the second opinion waited for, and the money moved. */
  settle(): Promise<void>;
};

/** Order the check `command`; the patch adds the file `fixed`. */
export async function order(home: Home, command: string): Promise<Order> {
  const { runtime_url: baseUrl } = JSON.parse((await home.run(["status", "--json"])).out);
  const token = (await home.run(["token"])).out.trim();
  const client = { baseUrl, token };
  const { bundle, commit, tree, patch } = smallRepository();
  const put = async (data: Buffer) => {
    const sha256 = createHash("sha256").update(data).digest("hex");
    const content = { contentType: "application/octet-stream", data };
    await createClient(Artifacts, client).putArtifact({ sha256, content });
    return sha256;
  };
  const { run } = await createClient(Runs, client).createRun({ metadata: {} });
  const spec = {
    baseBundleSha256: await put(bundle),
    baseCommit: commit,
    baseTree: tree,
    patchSha256: await put(patch),
    patchTestPaths: [],
    guardPaths: [],
    checkPaths: [],
    layers: [],
    commands: [command],
    limits: {
      wallMs: 120_000n,
      cpuMs: 60_000n,
      memoryMib: 256,
      pids: 64,
      diskMib: 64,
      outputBytes: 65_536n,
    },
    toolchains: [],
  };
  const market = createClient(Marketplace, client);
  const treasury = createClient(Treasury, client);
  const { quote } = await market.quoteSandboxRun({ runId: run.runId, spec });
  await treasury.grantDemoCredit({ amountMsats: quote.totalPriceMsats, memo: "a test" });
  const { reservation } = await treasury.reserveCompute({
    amountMsats: quote.totalPriceMsats,
    runId: run.runId,
    quoteId: quote.quoteId,
  });
  const { job } = await market.dispatchSandboxRun({
    quoteId: quote.quoteId,
    reservationId: reservation.reservationId,
  });
  const jobs = createClient(Jobs, client);
  const untilJob = async (jobId: string, wanted: (job: Job) => boolean) => {
    const deadline = Date.now() + WAIT_MS_MAX;
    for (;;) {
      const now = (await jobs.getJob({ jobId })).job;
      if (wanted(now)) return now;
      if (Date.now() > deadline) throw new Error(`${jobId} is still ${now.status}`);
      await delay(50);
    }
  };
  const isReported = ({ status }: Job) => status !== "queued" && status !== "leased";
  return {
    jobId: job.jobId,
    until: (wanted) => untilJob(job.jobId, wanted),
    async settle() {
      const verification = createClient(Verification, client);
      await untilJob(job.jobId, isReported);
      const { secondJob } = await verification.verifySandboxRun({ jobId: job.jobId });
      if (secondJob !== undefined) {
        await untilJob(secondJob.jobId, isReported);
        await verification.verifySandboxRun({ jobId: job.jobId });
      }
      await treasury.settleSandboxRun({ jobId: job.jobId });
    },
  };
}

function smallRepository() {
  const folder = mkdtempSync(join(tmpdir(), "oa-order-"));
  const identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
  const git = (...args: string[]) => execFileSync("git", [...identity, ...args], { cwd: folder });
  try {
    git("init", "--quiet", "--initial-branch=main");
    writeFileSync(join(folder, "readme"), "broken\n");
    git("add", ".");
    git("commit", "--quiet", "--message=base");
    const text = (...args: string[]) =>
      git(...args)
        .toString()
        .trim();
    git("bundle", "create", "--quiet", "base.bundle", "HEAD");
    writeFileSync(join(folder, "fixed"), "fixed\n");
    git("add", "fixed");
    return {
      commit: text("rev-parse", "HEAD"),
      tree: text("rev-parse", "HEAD^{tree}"),
      bundle: readFileSync(join(folder, "base.bundle")),
      patch: git("diff", "--cached", "--full-index", "--binary"),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
