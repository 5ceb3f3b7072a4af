// The Phase-0 vignettes hold, and leave everything that they say they leave.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const SCRIPT = join(import.meta.dirname, "vignette-phase0-issue-to-pr.sh");

test("every vignette holds on a stack of its own, and its record is complete", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "oa-vignette-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const out = join(folder, "out");
  const { DATABASE_URL: _database, ...env } = process.env;
  const ended = spawnSync(SCRIPT, ["--out", out], { encoding: "utf8", env, timeout: 280_000 });
  assert.equal(ended.status, 0, `${ended.stdout}\n${ended.stderr}`);

  const read = (name: string) => readFileSync(join(out, name), "utf8");
  const summary = JSON.parse(read("summary.json"));
  assert.equal(summary.ok, true);
  assert.deepEqual(
    summary.vignettes.map((vignette: { name: string; ok: boolean }) => [vignette.name, vignette.ok]),
    [
      ["happy-path", true],
      ["dispatch-retry", true],
      ["verification-fails", true],
      ["emergency-disable", true],
      ["provider-offline", true],
      ["stuck-reservation", true],
    ],
  );
  assert.deepEqual(summary.not_covered, [
    "the bridge: provider ads and receipt pointers as signed Nostr events",
  ]);
  assert.match(summary.forge, /^a stand-in/);

  const metrics = JSON.parse(read("metrics.json"));
  assert.equal(metrics.caps_enforced, true);
  assert.ok(metrics.provider_breadth >= 2);
  assert.ok(metrics.fill_rate > 0 && metrics.fill_rate < 1, "one job failed and others were called off");
  assert.equal(metrics.fallbacks, 1);
  assert.ok(metrics.rework_rate > 0);
  assert.ok(metrics.median_job_latency_ms > 0 && metrics.effective_cost_msats > 0);
  assert.deepEqual(metrics.telemetry.differs, [], "the market counts what the logs say");

  const receipts = new Set(readdirSync(join(out, "receipts")).map((name) => name.replace(".json", "")));
  const events = read("events.jsonl").trimEnd().split("\n");
  const named = events.flatMap((line) => JSON.parse(line).payload.receipt_id ?? []);
  assert.ok(named.length > 20);
  assert.deepEqual(
    named.filter((id: string) => !receipts.has(id)),
    [],
    "every receipt that an event names is there",
  );
  assert.match(read("SUMMARY.md"), /^# Phase 0: holds$/m);
});
