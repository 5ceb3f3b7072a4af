// Whether the proto files are well formed, compatible with main, and generated
// as committed. Prints one line per check; exits 1 when one fails.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { GENERATED, ROOT, buf, generate } from "./generate.ts";

/** `undefined` for a pass, else what is wrong; `skipped` tells why a check did not run. */
type Outcome = { readonly problem?: string | undefined; readonly skipped?: string };

/** Vendored as they are; neither formatted nor linted by us. */
const VENDORED = ["--exclude-path", "proto/google", "--exclude-path", "proto/buf"];

const CHECKS: readonly (readonly [string, (folder: string) => Outcome])[] = [
  ["proto files keep the lint rules", () => bufOutcome(["lint", "proto"])],
  ["proto files are formatted", () => bufOutcome(["format", "proto", "--diff", "--exit-code", ...VENDORED])],
  ["generated code is what the proto files give", checkDrift],
  ["the contract breaks nothing that main promises", checkBreaking],
];

const folder = mkdtempSync(join(tmpdir(), "oa-contracts-"));
try {
  let failed = false;
  for (const [name, check] of CHECKS) {
    const { problem, skipped } = check(folder);
    failed ||= problem !== undefined;
    const word = problem !== undefined ? "FAIL" : skipped !== undefined ? "SKIP" : "ok  ";
    process.stdout.write(`${word} ${name}${skipped === undefined ? "" : ` (${skipped})`}\n`);
    if (problem !== undefined) process.stdout.write(`${problem}\n`);
  }
  process.exitCode = failed ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function bufOutcome(args: readonly string[]): Outcome {
  const { ok, output } = buf(args, false);
  return { problem: ok ? undefined : output };
}

function checkDrift(folder: string): Outcome {
  const fresh = join(folder, "gen");
  generate(fresh);
  const names = new Set([...filesIn(fresh), ...filesIn(GENERATED)]);
  const different = [...names].filter((name) => contentOf(fresh, name) !== contentOf(GENERATED, name)).sort();
  if (different.length === 0) return {};
  const list = different.slice(0, 20).map((name) => `  packages/contracts/src/gen/${name}`);
  return {
    problem: [...list, "Run `npm run generate -w @openagents/contracts` and commit the result."].join("\n"),
  };
}

function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

function contentOf(folder: string, name: string): string | undefined {
  try {
    return readFileSync(join(folder, name), "utf8");
  } catch {
    return undefined;
  }
}

function checkBreaking(folder: string): Outcome {
  const commit = ["refs/heads/main", "refs/remotes/origin/main", "HEAD"].find(
    (name) => git(["rev-parse", "--verify", "--quiet", `${name}^{commit}`]) !== undefined,
  );
  if (commit === undefined) return { skipped: "no earlier commit to compare with" };
  const archive = git(["archive", "--format=tar", commit, "proto"]);
  if (archive === undefined) return { skipped: `${commit} has no proto folder` };
  const before = join(folder, "before");
  mkdirSync(before);
  const unpacked = spawnSync("tar", ["-x", "-C", before], { input: archive });
  if (unpacked.status !== 0) return { problem: `tar: ${String(unpacked.stderr)}` };
  return bufOutcome(["breaking", "proto", "--against", join(before, "proto")]);
}

function git(args: readonly string[]): Buffer | undefined {
  // The checkout may belong to another user than the one who checks it.
  const result = spawnSync("git", ["-c", `safe.directory=${ROOT}`, ...args], {
    cwd: ROOT,
    maxBuffer: 64 * 1024 * 1024,
  });
  return result.status === 0 ? result.stdout : undefined;
}
