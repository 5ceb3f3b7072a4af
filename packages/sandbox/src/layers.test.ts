// Layers are there, read-only, and change nothing of the host or of the tree.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, lstatSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { hashTree, makeTree, roomy, startSandbox, whyNotHere } from "./fixture.ts";

/** Where the tree of a run is, inside. */
const WORK = "/work";

suite("layers", { skip: whyNotHere, concurrency: 2 }, () => {
  for (const limitsBy of [undefined, "rlimits"] as const) {
    test(`a layer is seen below /work and /opt and cannot be written, ${limitsBy ?? "best"}`, async (t) => {
      const { run } = await startSandbox(t, limitsBy === undefined ? {} : { limitsBy });
      const source = makeShared(t, { "lib/a.txt": "from the layer\n" });
      // As some installers leave them: writable for all, so that only the mount is in the way.
      chmodSync(join(source, "lib/a.txt"), 0o666);
      chmodSync(join(source, "lib"), 0o777);
      const tree = makeTree(t, { "kept.txt": "kept\n", "deps/own.txt": "covered" });
      const before = [hashTree(source), hashTree(tree)];
      const layers = [
        { source, target: "/work/deps" },
        { source, target: "/work/packages/one/deps" },
        { source, target: "/opt/tools/x" },
      ];
      const end = await run(
        `for d in deps packages/one/deps /opt/tools/x; do
           cat $d/lib/a.txt
           for f in $d/new $d/lib/new $d/lib/a.txt; do (echo x >>$f) 2>&1 | grep -q 'Read-only file system' || echo "not EROFS: $f"; done
           rm -rf $d/lib/a.txt 2>/dev/null; mv $d gone 2>/dev/null; rmdir $d 2>/dev/null
         done; cat kept.txt; ls deps; touch packages/one/beside && echo beside`,
        { tree, layers },
      );
      assert.equal(end.stdout, `${"from the layer\n".repeat(3)}kept\nlib\nbeside\n`, end.stderr);
      assert.deepEqual([hashTree(source), hashTree(tree)], before);
      assert.deepEqual(readdirSync(tree).sort(), ["deps", "kept.txt"]);
    });
  }

  test("a cache of a layer is empty, writable, the run's own, and in its sized space", async (t) => {
    const { run } = await startSandbox(t);
    const source = makeShared(t, { "a.txt": "a", ".cache/old": "old" });
    const before = hashTree(source);
    const layers = ["/work/node_modules", "/opt/m"].map((target) => ({ source, target, caches: [".cache"] }));
    const limits = { ...roomy, diskMib: 4 };
    const end = await run(
      `for d in node_modules /opt/m; do
         ls -A $d/.cache; (echo made >$d/.cache/x && cat $d/.cache/x)
         (echo x >$d/y) 2>/dev/null && echo "wrote beside"
         dd if=/dev/zero of=$d/.cache/big bs=1M count=64 2>&1 | grep -o 'No space left'; rm -f $d/.cache/big
       done; true`,
      { layers, limits },
    );
    assert.equal(end.stdout, "made\nNo space left\nmade\nNo space left\n", end.stderr);
    assert.equal(hashTree(source), before);
    const after = await run("ls -A node_modules/.cache", { layers });
    assert.equal(after.stdout, "", "another run sees nothing of it");
  });

  test("a command that links the way to a layer elsewhere changes nothing for the next one", async (t) => {
    const { sandbox } = await startSandbox(t);
    const source = makeShared(t, { "a.txt": "a\n" });
    const outside = makeShared(t, { "a.txt": "outside\n" });
    const before = [hashTree(source), hashTree(outside)];
    const target = "/work/p/q/deps";
    for (const goal of [outside, "/oldroot" + outside, "/newroot/usr", "/opt", ".."]) {
      const { commands } = await sandbox.runCommands({
        tree: makeTree(t),
        commands: [
          `mv p moved && ln -s ${goal} p; mkdir -p p/q 2>/dev/null; true`,
          `(echo x >moved/q/deps/new) 2>/dev/null && echo wrote; cat moved/q/deps/a.txt; ls -d /work/p/q/deps ${goal}/q 2>/dev/null; true`,
        ],
        limits: roomy,
        toolchains: [],
        layers: [{ source, target }],
      });
      assert.equal(commands[1]?.stdout.toString(), "a\n", goal);
    }
    assert.deepEqual([hashTree(source), hashTree(outside)], before);
    assert.equal(existsSync(join(outside, "q")), false);
  });

  test("a tree with a link or a file where a layer goes is refused, and nothing is made behind the link", async (t) => {
    const { run } = await startSandbox(t);
    const source = makeShared(t, { "a.txt": "a" });
    const outside = makeShared(t, {});
    for (const [at, target] of [
      ["node_modules", "/work/node_modules"],
      ["a", "/work/a/b/node_modules"],
      ["a", "/work/a"],
    ] as const) {
      for (const goal of [outside, "/tmp", "missing"]) {
        const tree = makeTree(t);
        symlinkSync(goal, join(tree, at));
        await assert.rejects(run("true", { tree, layers: [{ source, target }] }), {
          code: "sandbox_request_invalid",
          message: /is a link or a file/,
        });
        assert.equal(lstatSync(join(tree, at)).isSymbolicLink(), true);
      }
      const tree = makeTree(t, { [at]: "a file" });
      await assert.rejects(run("true", { tree, layers: [{ source, target }] }), {
        code: "sandbox_request_invalid",
      });
    }
    assert.deepEqual(readdirSync(outside), []);
  });

  test("a layer that breaks a rule is refused before anything starts", async (t) => {
    const { run } = await startSandbox(t);
    const source = makeShared(t, { "a.txt": "a", "real/x": "x" });
    symlinkSync("real", join(source, "link"));
    symlinkSync("/etc", join(source, "etc"));
    const tree = makeTree(t, { "inside/a.txt": "a" });
    const targets = [
      "/work",
      "/work/",
      "/opt",
      "/opt/tc",
      "/opt/tc/node",
      "/etc/x",
      "/usr/lib/x",
      "/workx/a",
      "work/a",
      "",
      `${WORK}/../etc`,
      "/work/a/../../etc",
      "/opt/../etc",
      `${WORK}/./a`,
      "/work//a",
      "/work/a/",
      "/opt/..",
      "/work/a\nb",
      "/work/a\0b",
    ];
    const bad = [
      ...targets.map((target) => [{ source, target }]),
      [{ source: "relative", target: "/work/a" }],
      [{ source: join(source, "missing"), target: "/work/a" }],
      [{ source: join(source, "a.txt"), target: "/work/a" }],
      [{ source: "/", target: "/work/a" }],
      [{ source: join(tree, "inside"), target: "/work/a" }],
      ["/work/a", "/work/a"].map((target) => ({ source, target })),
      ["/work/a/b", "/work/a"].map((target) => ({ source, target })),
      ...[["missing"], ["link"], ["etc"], ["../x"], ["/etc"], [""], ["real", "real"], ["a.txt"]].map(
        (caches) => [{ source, target: "/work/a", caches }],
      ),
    ];
    for (const layers of bad) {
      await assert.rejects(
        run("true", { tree, layers }),
        { code: "sandbox_request_invalid" },
        JSON.stringify(layers),
      );
    }
  });

  test("what a layer's links point to is looked up inside", async (t) => {
    const { run } = await startSandbox(t);
    const outside = makeTree(t, { "secret.txt": "secret" });
    const source = makeShared(t, { "a.txt": "a" });
    symlinkSync(join(outside, "secret.txt"), join(source, "link"));
    symlinkSync(outside, join(source, "folder"));
    symlinkSync("../own.txt", join(source, "own"));
    const end = await run("cat deps/link deps/folder/secret.txt; echo x >deps/link; cat deps/own", {
      tree: makeTree(t, { "own.txt": "of the tree" }),
      layers: [{ source, target: "/work/deps" }],
    });
    assert.equal(end.stdout, "of the tree");
  });

  test(
    "a folder that the host has mounted into the layer does not come along",
    { skip: process.getuid?.() !== 0 && "only root can mount" },
    (t) => {
      const source = makeShared(t, { "a.txt": "a", "sub/own.txt": "own" });
      const request = { tree: makeTree(t), commands: ["ls /opt/x/sub"], limits: roomy, toolchains: [] };
      const script = `
        const { createSandbox } = await import(${JSON.stringify(new URL("./index.ts", import.meta.url).href)});
        const request = { ...${JSON.stringify(request)}, layers: [{ source: ${JSON.stringify(source)}, target: "/opt/x" }] };
        const { commands } = await (await createSandbox()).runCommands(request);
        console.log(commands[0].stdout.toString());`;
      const mountFirst = `mount -t tmpfs x "$1/sub" && echo s >"$1/sub/mounted.txt" && shift && exec "$@"`;
      const inner = [
        "sh",
        "-c",
        mountFirst,
        "sh",
        source,
        process.execPath,
        "--input-type=module",
        "-e",
        script,
      ];
      const { stdout, stderr } = spawnSync(
        "unshare",
        ["--mount", "--propagation", "private", "--", ...inner],
        {
          encoding: "utf8",
        },
      );
      assert.equal(stdout.trim(), "own.txt", stderr);
    },
  );
});

/** A folder that the command's user may read, as a layer has to be. */
function makeShared(...args: Parameters<typeof makeTree>): string {
  const folder = makeTree(...args);
  chmodSync(folder, 0o755);
  return folder;
}
