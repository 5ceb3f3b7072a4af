import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { findOwnGroup, groupFolders, parseCgroupMounts } from "./cgroup-mounts.ts";
import { openCgroupV2 } from "./cgroup-v2.ts";

const limits = { wallMs: 1, cpuMs: 100, memoryMib: 256, pids: 32, diskMib: 64, outputBytes: 1 };

test("mounts of both versions are read, other lines and escaped names too", () => {
  const mountinfo = [
    "24 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw",
    "30 24 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755",
    "31 30 0:27 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro,nosuid - cgroup cgroup rw,cpu,cpuacct",
    "32 30 0:28 / /mnt/my\\040groups rw shared:9 master:2 - cgroup2 cgroup2 rw,nsdelegate",
    "",
  ].join("\n");
  assert.deepEqual(parseCgroupMounts(mountinfo), [
    {
      version: 1,
      folder: "/sys/fs/cgroup/cpu,cpuacct",
      root: "/docker/abc",
      controllers: ["rw", "cpu", "cpuacct"],
    },
    { version: 2, folder: "/mnt/my groups", root: "/", controllers: [] },
  ]);
});

test("our own group is found by controller, and its folders from the inside out", () => {
  const cgroup = "5:memory:/a/b\n4:cpu,cpuacct:/c\n0::/user.slice/x.scope\n";
  assert.equal(findOwnGroup(cgroup, "memory"), "/a/b");
  assert.equal(findOwnGroup(cgroup, "cpuacct"), "/c");
  assert.equal(findOwnGroup(cgroup, undefined), "/user.slice/x.scope");
  assert.equal(findOwnGroup(cgroup, "pids"), undefined);
  const mount = { version: 1, folder: "/cg", root: "/", controllers: [] } as const;
  assert.deepEqual(groupFolders(mount, "/a/b"), ["/cg/a/b", "/cg/a", "/cg"]);
  assert.deepEqual(groupFolders(mount, "/"), ["/cg"]);
  assert.deepEqual(groupFolders({ ...mount, root: "/docker/abc" }, "/docker/abc/x"), ["/cg/x", "/cg"]);
  assert.deepEqual(groupFolders({ ...mount, root: "/docker/abc" }, "/elsewhere"), ["/cg"]);
});

/** Plain files in the shape of version 2. They do not act as the kernel's do; what is asked of it can be read. */
function fakeHierarchy(own: string, enabledAt: readonly string[]): string {
  const root = mkdtempSync(join(tmpdir(), "openagents-cgroup-"));
  let folder = root;
  for (const name of ["", ...own.split("/").filter((part) => part !== "")]) {
    folder = join(folder, name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "cgroup.procs"), "");
    const enabled = enabledAt.includes(folder.slice(root.length));
    writeFileSync(join(folder, "cgroup.subtree_control"), enabled ? "cpu memory pids\n" : "cpu\n");
  }
  return root;
}

test("version 2: our groups go beside our own, below the nearest that has the controllers on", async (t) => {
  const root = fakeHierarchy("/system.slice/ours.service", ["", "/system.slice"]);
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const mounts = [{ version: 2, folder: root, root: "/", controllers: [] }] as const;
  const keeper = await openCgroupV2(mounts, "0::/system.slice/ours.service\n");
  assert.equal(keeper?.by, "cgroup_v2");
  const scope = keeper?.openScope(limits);
  const [name, ...others] = readdirSync(join(root, "system.slice")).filter((entry) =>
    entry.startsWith("openagents-"),
  );
  assert.ok(name !== undefined);
  assert.deepEqual(others, []);
  const group = join(root, "system.slice", name);
  assert.deepEqual(scope?.joinFiles, [join(group, "cgroup.procs")]);
  assert.equal(readFileSync(join(group, "memory.max"), "utf8"), String((256 + 64) * 1024 * 1024));
  assert.ok(Number(readFileSync(join(group, "pids.max"), "utf8")) >= 32);

  writeFileSync(join(group, "cpu.stat"), "usage_usec 1000000\nuser_usec 1\n");
  writeFileSync(join(group, "memory.events"), "low 0\noom 0\noom_kill 2\n");
  const meter = scope?.startMeter(1);
  assert.equal(meter?.read(), undefined, "what was before the command does not count");
  writeFileSync(join(group, "pids.events"), "max 1\n");
  assert.deepEqual(meter?.read(), { limit: "pids", mustEnd: false });
  writeFileSync(join(group, "memory.events"), "low 0\noom 0\noom_kill 3\n");
  assert.deepEqual(meter?.read(), { limit: "memory", mustEnd: false });
  writeFileSync(join(group, "cpu.stat"), "usage_usec 1100001\nuser_usec 1\n");
  assert.deepEqual(meter?.read(), { limit: "cpu", mustEnd: true });
});

test("version 2: without a group that hands the controllers down there is no keeper", async (t) => {
  const root = fakeHierarchy("/a", []);
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const mounts = [{ version: 2, folder: root, root: "/", controllers: [] }] as const;
  // Writing to the plain file replaces its text, which then lacks the names without a plus.
  assert.equal(await openCgroupV2(mounts, "0::/a\n"), undefined);
  assert.equal(await openCgroupV2([], "0::/a\n"), undefined);
});
