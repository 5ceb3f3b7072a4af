// Dependencies that lie outside of the workspace, as codex's commands meet them.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { codexProgram, openScene, type Scene } from "./codex-fixture.ts";

const PATCH = "*** Begin Patch\n*** Update File: a.txt\n@@\n-one\n+two\n*** End Patch";
const FILES = {
  "npm/node_modules/dep/package.json": `{"name":"dep","version":"1.0.0","main":"index.js"}`,
  "npm/node_modules/dep/index.js": `module.exports = "dep with " + require("other");`,
  "npm/node_modules/other/index.js": `module.exports = "other";`,
  "pip/site-packages/wheel_of_ours/__init__.py": `WORDS = "a wheel of ours"\n`,
};

/** Dependencies beside the workspace, linked and named as a run would. */
async function giveDependencies({ root, workspace, env }: Scene) {
  const deps = join(root, "deps");
  for (const [path, text] of Object.entries(FILES)) {
    await mkdir(dirname(join(deps, path)), { recursive: true });
    await writeFile(join(deps, path), text);
  }
  const bin = join(deps, "pip/site-packages/bin");
  const cache = join(deps, "npm/node_modules/.cache");
  await mkdir(bin);
  await mkdir(cache);
  await writeFile(join(bin, "tool-of-ours"), "#!/bin/sh\necho the tool ran\n", { mode: 0o755 });
  await symlink("../deps/npm/node_modules", join(workspace, "node_modules"));
  // Itself: what stands on the path may be a script that starts what commands do not see.
  const python = execFileSync("python3", ["-c", "import sys; print(sys.prefix)"], {
    encoding: "utf8",
  }).trim();
  return {
    deps,
    task: {
      readable: [join(deps, "npm"), join(deps, "pip"), python],
      writable: [cache],
      env: {
        PYTHONPATH: join(deps, "pip/site-packages"),
        PATH: [join(python, "bin"), env["PATH"], bin].join(":"),
      },
    },
  };
}

function commandsOf({ events }: Scene): { output: string; exitCode: number | undefined }[] {
  return events.flatMap((event) =>
    event.type === "command" ? [{ output: event.output.trim(), exitCode: event.exitCode }] : [],
  );
}

async function openDependent(t: TestContext, runs: readonly string[]) {
  const program = await codexProgram(t);
  if (program === undefined) return undefined;
  const scene = await openScene(t, program, [
    [...runs.map((run) => ({ run })), { patch: PATCH }, { say: "Done." }],
  ]);
  return { scene, ...(await giveDependencies(scene)) };
}

test("commands find linked packages, what those need, Python's, and programs, and patches still apply", async (t) => {
  const opened = await openDependent(t, [
    `node -e 'console.log(require("dep"))'`,
    `node --input-type=module -e 'import dep from "dep"; console.log(dep)'`,
    `python3 -c 'import wheel_of_ours; print(wheel_of_ours.WORDS)'`,
    "tool-of-ours",
    "echo kept > node_modules/.cache/x && cat node_modules/.cache/x",
  ]);
  if (opened === undefined) return;
  const { scene, task } = opened;
  await scene.run(task);
  assert.deepEqual(commandsOf(scene), [
    { output: "dep with other", exitCode: 0 },
    { output: "dep with other", exitCode: 0 },
    { output: "a wheel of ours", exitCode: 0 },
    { output: "the tool ran", exitCode: 0 },
    { output: "kept", exitCode: 0 },
  ]);
  const changes = scene.events.filter((event) => event.type === "file_change");
  assert.deepEqual(changes, [{ type: "file_change", path: "a.txt", change: "modified" }]);
  assert.match(scene.server.requests[0]?.body ?? "", /tools and dependencies are installed/);
});

test("dependencies are read and not written, and what lies beside them is not seen", async (t) => {
  const opened = await openDependent(t, [
    "for f in dep/index.js new.js; do echo x > node_modules/$f; done; rm node_modules/dep/index.js",
    "cat ../deps/secret.txt; ls ../deps; echo looked",
    "rm node_modules && mkdir node_modules && echo own > node_modules/x && cat node_modules/x",
  ]);
  if (opened === undefined) return;
  const { scene, task, deps } = opened;
  await writeFile(join(deps, "secret.txt"), "canary beside the dependencies");
  await scene.run(task);
  const [written, seen, replaced] = commandsOf(scene);
  assert.equal(written?.output.match(/Read-only file system/g)?.length, 3, written?.output);
  assert.doesNotMatch(seen?.output ?? "", /canary|secret\.txt$/m);
  assert.match(seen?.output ?? "", /looked/);
  assert.equal(replaced?.output, "own", "the link is the workspace's");
  assert.deepEqual((await readdir(join(deps, "npm/node_modules"))).toSorted(), [".cache", "dep", "other"]);
});
