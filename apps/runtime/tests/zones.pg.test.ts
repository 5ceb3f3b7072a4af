// Where a buyer's source goes: to its own devices and the operator, and to
// strangers only by its choice, as one commit without history.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { grant } from "./ledger-checks.ts";
import { startHarness, type Harness } from "./harness.ts";
import { TOTAL, claim, joinMarket, order, register, startMarket, upload } from "./market.ts";

const STRANGER = { sub: "dev_x", org: "org_x", account: "org_x", zone: "1" } as const;

test("a stranger's loss is named, and the market takes a base without history only", async (t) => {
  const market = await startMarket(t, { dispatch: false });
  const { runtime, runId, spec } = market;
  const stranger = await joinMarket(runtime, STRANGER, 1);
  const closed = await quote(runtime, { run_id: runId, spec });
  assert.equal(closed.status, 200, closed.text);
  assert.deepEqual(
    closed.json.losers.find((loser: Loser) => loser.provider_worker_id === stranger.workerId)?.because,
    "zone_not_allowed",
  );
  const refused = await quote(runtime, { run_id: runId, spec, market: true });
  assert.deepEqual([refused.status, refused.json.code], [400, "base_not_single_commit"], refused.text);

  const base = makeBase();
  const bundleSha256 = await upload(runtime, base.bytes);
  const whole = { ...spec, base_bundle_sha256: bundleSha256, base_commit: base.commit, base_tree: base.tree };
  const open = await quote(runtime, { run_id: runId, spec: whole, market: true });
  assert.equal(open.status, 200, open.text);
  assert.equal(open.json.quote.provider_worker_id, stranger.workerId);
  const receipt = await runtime.get(`/internal/v1/receipts/${open.json.receipt_id}`);
  assert.match(receipt.text, /"market":true/, "the receipt says that the buyer chose it");
});

test("a lease reads its inputs only while its holder's zone may have the source", async (t) => {
  const market = await startMarket(t);
  const { runtime, first } = market;
  const { lease } = await claim(market, first);
  const path = `/internal/v1/artifacts/${market.patchSha256}?lease_id=${lease.lease_id}`;
  assert.equal((await runtime.get(path, { token: first.token })).status, 200);
  const owner = { sub: "dev_provider", org: "org_provider" };
  const lowered = await runtime.token({ ...owner, zone: "1" });
  assert.equal((await runtime.get(path, { token: lowered })).status, 404);
  // Moved out of the buyer's account, also with the old token.
  await register(runtime, await runtime.token({ ...owner, account: "org_x" }), 1, first.workerId);
  assert.equal((await runtime.get(path, { token: first.token })).status, 404);
});

test("registering again never raises a worker's zone", async (t) => {
  const runtime = await startHarness(t);
  await grant(runtime, TOTAL);
  const { workerId } = await joinMarket(runtime, STRANGER, 1);
  const zoneOf = async () =>
    (await runtime.get(`/internal/v1/workers/${workerId}`, { token: await runtime.token(STRANGER) })).json
      .worker.zone_tenths;
  for (const zone of ["0.5", "0"] as const) {
    await register(runtime, await runtime.token({ ...STRANGER, zone }), 1, workerId);
    assert.equal(await zoneOf(), 10);
  }
  const { workerId: deviceId } = await joinMarket(runtime, { sub: "dev_y", org: "org_x", zone: "0.5" }, 1);
  const token = await runtime.token({ sub: "dev_y", org: "org_x", zone: "1" });
  await register(runtime, token, 1, deviceId);
  const lowered = await runtime.get(`/internal/v1/workers/${deviceId}`, { token });
  assert.equal(lowered.json.worker.zone_tenths, 10, "lowering is taken at once");
});

test("without the buyer's choice nobody is left when only strangers sell", async (t) => {
  const runtime = await startHarness(t);
  await grant(runtime, TOTAL);
  await joinMarket(runtime, STRANGER, 1);
  await joinMarket(runtime, { sub: "dev_z", org: "org_z", account: "org_z" }, 1);
  await assert.rejects(order(runtime), /no_eligible_provider/);
});

type Loser = { readonly provider_worker_id: string; readonly because: string };

function quote(runtime: Harness, body: object) {
  return runtime.post("/internal/v1/marketplace/compute/quote/sandbox-run", body);
}

function makeBase() {
  const repo = mkdtempSync(join(tmpdir(), "oa-zones-"));
  const who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"];
  const git = (...args: string[]) =>
    execFileSync("git", [...who, ...args], { cwd: repo, encoding: "utf8", stdio: "pipe" }).trim();
  try {
    git("init", "--quiet", ".");
    writeFileSync(join(repo, "file"), "content");
    git("add", "file");
    git("commit", "--quiet", "-m", "base");
    git("bundle", "create", "--quiet", "out", "HEAD");
    const commit = git("rev-parse", "HEAD");
    return { bytes: readFileSync(join(repo, "out")), commit, tree: git("rev-parse", "HEAD^{tree}") };
  } finally {
    rmSync(repo, { recursive: true, force: true });
  }
}
