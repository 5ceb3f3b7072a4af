// The work that the vignettes buy: the demonstration's broken repository, with a
// patch that mends it and one that does not.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { prepareDemoRepository, type RuntimeClients } from "@openagents/autopilot";
import type { SandboxRunSpec } from "@openagents/contracts";
import { classifyPatch, patchFiles } from "@openagents/proof";

export type Orders = {
  /** A git repository with the base as its only commit, and the patch that mends it. */
  readonly repo: string;
  readonly fixFile: string;
  readonly issue: { readonly title: string; readonly body: string };
  /** Its check fails on the base and passes with the patch. */
  readonly mended: SandboxRunSpec;
  /** Its check fails with the patch too. */
  readonly unmended: SandboxRunSpec;
};

const LIMITS = {
  wallMs: 60_000n,
  cpuMs: 60_000n,
  memoryMib: 1024,
  pids: 128,
  diskMib: 256,
  outputBytes: 1_048_576n,
} as const;

/** Writes about the bug instead of mending it. */
const NOTE_PATCH = `diff --git a/NOTES.md b/NOTES.md
new file mode 100644
--- /dev/null
+++ b/NOTES.md
@@ -0,0 +1 @@
+The last line of a paragraph is lost.
`;

/** Make the repository in `folder` and upload what the orders name. */
export async function prepareOrders(
  folder: string,
  buyer: RuntimeClients,
  signal: AbortSignal,
): Promise<Orders> {
  const demo = await prepareDemoRepository(folder);
  const put = async (data: Buffer): Promise<string> => {
    const sha256 = createHash("sha256").update(data).digest("hex");
    const content = { contentType: "application/octet-stream", data };
    await buyer.artifacts.putArtifact({ sha256, content }, { signal });
    return sha256;
  };
  // The repository's only commit has no parent, so it is a base as it stands.
  const bundleFile = join(folder, ".git", "base.bundle");
  await git(folder, "bundle", "create", "--quiet", bundleFile, "HEAD", "refs/heads/main");
  const base = {
    baseBundleSha256: await put(await readFile(bundleFile)),
    baseCommit: await git(folder, "rev-parse", "HEAD"),
    baseTree: await git(folder, "rev-parse", "HEAD^{tree}"),
  };
  const order = async (patch: string): Promise<SandboxRunSpec> => {
    const { testPaths, guardPaths } = classifyPatch(patchFiles(patch));
    return {
      ...base,
      patchSha256: await put(Buffer.from(patch)),
      patchTestPaths: testPaths,
      guardPaths,
      // The runner finds the tests by itself; no file of the repository is started.
      checkPaths: [],
      commands: demo.checks,
      limits: LIMITS,
      toolchains: demo.toolchains,
      layers: [],
      testRunner: "node_test",
    };
  };
  const fixFile = join(dirname(demo.scriptFile), "fix.patch");
  const fix = await readFile(fixFile, "utf8");
  return {
    repo: folder,
    fixFile,
    issue: demo.issue,
    mended: await order(fix),
    unmended: await order(NOTE_PATCH),
  };
}

const run = promisify(execFile);

async function git(cwd: string, ...args: string[]): Promise<string> {
  const env = { PATH: process.env["PATH"], GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" };
  const { stdout } = await run("git", ["-c", "safe.directory=*", ...args], { cwd, env, timeout: 60_000 });
  return stdout.trim();
}
