// `openagents index` on the real stack: real providers index a real repository, and
// the money moves as for any other job.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { canonicalize, parseStrict, sha256Hex } from "@openagents/receipts";
import { freshHome } from "./openagents.ts";
import { smallProject } from "./small-project.ts";

test("a repository's index is bought, confirmed by somebody else, paid and kept as a file", async (t) => {
  const home = freshHome(t);
  const project = smallProject(t);
  const up = await home.run(["up", "--detach", "--port-base", "0"]);
  assert.equal(up.code, 0, up.err);
  const command = ["index", "--repo", project.repo];
  const bought = await home.run([...command, "--json"]);
  assert.equal(bought.code, 0, bought.err);
  const result = JSON.parse(bought.out);
  assert.deepEqual(
    [result.ok, result.verdict, result.assurance, result.proof, result.settlement_status],
    [true, "proven", "self", "by_equal_bytes", "released"],
  );
  assert.equal(result.tree, project.git("rev-parse", "HEAD^{tree}").trim());
  assert.ok(result.spent_msats > 0);
  assert.match(bought.err, /the index of \d+ files and \d+ lines is the one of tree/);

  const bytes = readFileSync(result.file);
  assert.equal(sha256Hex(bytes), result.index_sha256);
  const index = parseStrict(bytes);
  assert.equal(canonicalize(index), bytes.toString("utf8"));
  const listed = JSON.parse(bytes.toString("utf8")).files.map(({ path }: { path: string }) => path);
  assert.deepEqual(listed, project.git("ls-tree", "-r", "--name-only", "HEAD").trim().split("\n"));

  // By another pair of providers it is the same file; nothing is written over.
  const out = join(home.folder, "again.json");
  const again = await home.run([...command, "--second-opinion", "independent", "--out", out]);
  assert.equal(again.code, 0, again.err);
  assert.match(again.out, /the same bytes by a provider of another owner/);
  assert.deepEqual(readFileSync(out), bytes);
  const refused = await home.run([...command, "--out", out]);
  assert.deepEqual([refused.code, refused.err.includes("exists already")], [2, true]);

  const poor = await home.run([...command, "--budget", "1sat"]);
  assert.equal(poor.code, 1, poor.out);
  assert.match(poor.err, /Raise it, or find a cheaper provider/);
  const audit = await home.run(["ledger", "audit", "--json"]);
  assert.equal(JSON.parse(audit.out).ok, true, audit.out);
  const runs = JSON.parse((await home.run(["runs", "list", "--json"])).out).runs;
  assert.deepEqual(
    runs.map(({ status }: { status: string }) => status),
    ["failed", "succeeded", "succeeded"],
  );
});
