import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { parseVersion } from "./find-toolchains.ts";
import {
  declareToolchain,
  findToolchains,
  matchToolchains,
  mountsOf,
  toolchainEnv,
  type InstalledToolchain,
} from "./index.ts";

test("versions are read from what tools say, as the market writes them", () => {
  const cases: [string, string | undefined][] = [
    ["v24.21.0\n", "24.21.0"],
    ["go version go1.26.8 linux/amd64", "1.26.8"],
    ["Python 3.13.0rc2", "3.13.0"],
    ["GNU Make 4.3\nBuilt for x86_64", "4.3"],
    ["cargo 1.95.0-nightly (f2d3ce0bd 2026-03-21)", "1.95.0"],
    ["12", "12"],
    ["1.2.3.4.5", "1.2.3.4"],
    ["no version", undefined],
    ["20261127", undefined],
    ["", undefined],
  ];
  for (const [said, version] of cases) assert.equal(parseVersion(said), version, said);
});

test("the newest tool of a name is matched, and only mounted when it is not the system's", () => {
  const installed: InstalledToolchain[] = [
    { name: "node", version: "20.9.0" },
    { name: "node", version: "24.0.0", prefix: "/opt/node" },
    { name: "cc", version: "12" },
  ];
  const match = matchToolchains(installed, [
    { name: "node", versionMin: "20" },
    { name: "cc", versionMin: "12.0" },
  ]);
  assert.ok(match.kind === "matched");
  assert.deepEqual(match.toolchains, [installed[1], installed[2]]);
  assert.deepEqual(mountsOf(match.toolchains), [{ name: "node", prefix: "/opt/node" }]);
  assert.deepEqual(matchToolchains(installed, [{ name: "go", versionMin: "1" }]), {
    kind: "missing",
    requirement: { name: "go", versionMin: "1" },
  });
});

test("a job's tools get their variables, and a job without tools none", () => {
  assert.deepEqual(toolchainEnv([]), {});
  assert.deepEqual(toolchainEnv(["make", "cc"]), {});
  assert.equal(toolchainEnv(["go"])["GOTOOLCHAIN"], "local");
  assert.deepEqual(toolchainEnv(["rustc"]), toolchainEnv(["cargo"]));
  assert.deepEqual(
    Object.keys(toolchainEnv(["python", "go"])).filter((name) => name === "GOPROXY"),
    ["GOPROXY"],
  );
});

test("a tool is found where installers keep it; a folder that only holds its program is not lent", async (t) => {
  const home = folderOf(t);
  const rust = join(home, ".rustup/toolchains/stable");
  install(rust, "cargo", "cargo 1.95.0");
  mkdirSync(join(rust, "lib/rustlib"), { recursive: true });
  writeFileSync(join(home, ".rustup/settings.toml"), 'version = "12"\ndefault_toolchain = "stable"\n');
  // As rustup's own shims are: beside its owner's credentials.
  install(join(home, ".cargo"), "cargo", "cargo 9.9.9");
  // A link on the path leads to the installation behind it.
  const go = join(home, "sdk/go1.30");
  install(go, "go", "go version go1.30 linux/amd64");
  mkdirSync(join(go, "pkg/tool"), { recursive: true });
  mkdirSync(join(home, "links"));
  symlinkSync(join(go, "bin/go"), join(home, "links/go"));
  // Programs straight in the home folder would make all of it a toolchain.
  install(home, "python3", "Python 9.9.9");
  install(home, "python3-config", "");

  const path = [join(home, ".cargo/bin"), join(home, "links"), join(home, "bin"), "relative", ""].join(":");
  const found = await findToolchains({ home, path });
  const inHome = found.filter(({ prefix }) => prefix?.startsWith(home));
  assert.deepEqual(inHome, [
    { name: "go", version: "1.30", prefix: go },
    { name: "cargo", version: "1.95.0", prefix: rust },
  ]);
  const ours = found.find(({ name }) => name === "node");
  assert.deepEqual(ours, {
    name: "node",
    version: process.versions.node,
    prefix: dirname(dirname(process.execPath)),
  });
  assert.equal(new Set(found.map(({ name, version }) => `${name} ${version}`)).size, found.length);
});

test("a tool that its owner names is taken with its version, or refused with the reason", async (t) => {
  const folder = folderOf(t);
  install(folder, "tool", "tool 1.2");
  assert.deepEqual(await declareToolchain("tool", folder), { name: "tool", version: "1.2", prefix: folder });
  install(folder, "mute", "nothing");
  const refused: [string, string, RegExp][] = [
    ["tool", "/no/such", /is not a folder/],
    ["other", folder, /has no program bin\/other/],
    ["mute", folder, /does not tell its version: bin\/mute --version/],
    ["Tool", folder, /needs a name of lower-case letters/],
  ];
  for (const [name, prefix, problem] of refused) {
    await assert.rejects(declareToolchain(name, prefix), { code: "toolchain_invalid", message: problem });
  }
});

/** A folder of tools that others may read, with a program that says this. */
function install(folder: string, name: string, says: string): void {
  mkdirSync(join(folder, "bin"), { recursive: true });
  writeFileSync(join(folder, "bin", name), `#!/bin/sh\necho '${says}'\n`);
  chmodSync(join(folder, "bin", name), 0o755);
}

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "oa-tools-"));
  chmodSync(folder, 0o755);
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
