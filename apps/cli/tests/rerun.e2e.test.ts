// The check of a bundle run again by a reader, without any stack.

import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { freshHome, until, type Home } from "./openagents.ts";

type Claim = { readonly name: string; readonly state: string; readonly detail: string };

test("a reader runs the check again: it ends as before, or is not checked and says why, or is stopped without a trace", async (t) => {
  const home = freshHome(t);
  const demo = await home.run(["demo", "--json", "--port-base", "0"]);
  assert.equal(demo.code, 0, demo.err);
  const bundle: string = JSON.parse(demo.out).bundle_dir;
  assert.match((await home.run(["status"])).out, /not running/);

  const again = await verify(home, [bundle, "--rerun"]);
  assert.deepEqual([again.code, again.rerun?.state], [0, "holds"], again.err);
  assert.match(again.rerun?.detail ?? "", /^proven here too: base exit 1, patched exit 0/);
  assert.equal((await verify(home, [bundle])).rerun, undefined);

  const old = folderOf(t);
  mkdirSync(join(old, "bin"));
  writeFileSync(join(old, "bin/node"), "#!/bin/sh\necho v1.0.0\n");
  chmodSync(old, 0o755);
  chmodSync(join(old, "bin/node"), 0o755);
  const without = await verify(home, [bundle, "--rerun", "--toolchain", `node=${old}`]);
  assert.deepEqual([without.code, without.rerun?.state], [2, "not_checked"], without.err);
  assert.match(without.rerun?.detail ?? "", /no node of version 20 or newer/);
  const words = (await home.run(["verify", bundle, "--rerun", "--toolchain", `node=${old}`])).out;
  assert.match(words, /– nothing fails, but the check was not run again/);

  const scratch = folderOf(t);
  const stopped = home.start(["verify", bundle, "--rerun"], { env: { TMPDIR: scratch } });
  await until(() => readdirSync(scratch).some((name) => name.startsWith("openagents-rerun-")));
  stopped.child.kill("SIGINT");
  const { code, out } = await stopped.ended;
  assert.deepEqual([code, out], [130, ""]);
  assert.deepEqual(readdirSync(scratch), []);
});

async function verify(home: Home, args: readonly string[]) {
  const { code, out, err } = await home.run(["verify", "--json", ...args]);
  const claims: readonly Claim[] = JSON.parse(out).claims;
  return { code, err, rerun: claims.find(({ name }) => name === "rerun") };
}

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "oa-rerun-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
