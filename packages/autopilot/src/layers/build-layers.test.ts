// Real installs of small projects, and what a hostile project gets out of one: nothing.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { createSandbox, SandboxError, type RunOutcome } from "@openagents/sandbox";
import { AutopilotError } from "../autopilot-error.ts";
import { build, buildOrSkip, makeFolder, quiet } from "./fixture.ts";
import { openLayer, type BuiltLayer } from "./index.ts";
import { toolEnvironment } from "./run-tool.ts";

const json = (value: unknown) => JSON.stringify(value, null, 2);

/** As npm writes it: one package from the registry, of another version in the workspace, and the workspace itself. */
const SEMVER = {
  "7.7.1": "sha512-hlq8tAfn0m/61p4BVRcPzIGr6LKiMwo4VM6dGi6pt4qcRkmNzTcWq6eCEjEh+qXjkMDvPlOFFSGwQjoEa6gyMA==",
  "6.3.1": "sha512-BR7VvDCVHO+q2xBEWskxS6DJE1qRnb7DxzUrogb71CWoSficBxYsiAGd+Kl0mmq/MprG9yArRkyrQxTO6XjMzA==",
} as const;
const semver = (version: keyof typeof SEMVER) => ({
  version,
  integrity: SEMVER[version],
  bin: { semver: "bin/semver.js" },
});
const own = { name: "@demo/own", version: "1.0.0", dependencies: { semver: "6.3.1" } };
const root = {
  name: "demo",
  version: "1.0.0",
  workspaces: ["packages/*"],
  devDependencies: { semver: "7.7.1" },
};

function npmProject(t: TestContext, scripts: Readonly<Record<string, string>> = {}): string {
  return makeFolder(t, {
    "package.json": json({ ...root, engines: { node: ">=20.1" }, scripts }),
    "packages/own/package.json": json({ ...own, scripts }),
    "packages/own/index.js": `exports.version = require("semver").SEMVER_SPEC_VERSION + require("semver/package.json").version;`,
    "package-lock.json": json({
      name: "demo",
      lockfileVersion: 3,
      requires: true,
      packages: {
        "": root,
        "node_modules/@demo/own": { resolved: "packages/own", link: true },
        "node_modules/semver": { ...semver("7.7.1"), dev: true },
        "packages/own": own,
        "packages/own/node_modules/semver": semver("6.3.1"),
      },
    }),
    "demo.test.js": `
      const { test } = require("node:test");
      const assert = require("node:assert");
      test("both versions are there", () => {
        assert.ok(require("semver").gt("2.0.0", "1.0.0"));
        assert.equal(require("semver/package.json").version, "7.7.1");
        assert.equal(require("@demo/own").version, "2.0.06.3.1");
      });`,
  });
}

suite("layers of real projects", { concurrency: 1 }, () => {
  test("npm: the locked dependencies of all workspaces, and the project's test passes with them in the sandbox", async (t) => {
    const dir = npmProject(t);
    const layers = await buildOrSkip(t, dir);
    if (layers === undefined) return;
    assert.deepEqual(
      layers.map(({ kind, path, toolchains }) => [kind, path, toolchains]),
      ["node_modules", "packages/own/node_modules"].map((path) => [
        "npm",
        path,
        [{ name: "node", versionMin: "20.1" }],
      ]),
    );
    assert.equal(existsSync(join(dir, "node_modules")), false);
    const filesIn = () => new Set(readdirSync(dir, { recursive: true, encoding: "utf8" }));
    const before = filesIn();
    const without = await runInSandbox(t, dir, [], ["node --test"]);
    if (without === undefined) return;
    assert.notEqual(without.commands[0]?.exitCode, 0, "the test needs the layers");
    const ran = await runInSandbox(t, dir, layers, [
      "node --test",
      `(echo x >>node_modules/semver/package.json) 2>/dev/null && echo wrote
       for f in node_modules/x packages/own/node_modules/semver/x; do
         (echo x >>$f) 2>&1 | grep -q 'Read-only file system' || echo "not EROFS $f"; done
       echo x >node_modules/.cache/x && semver 1.2.3`,
    ]);
    assert.equal(ran?.commands[0]?.exitCode, 0, ran?.commands[0]?.stdout.toString());
    assert.equal(ran?.commands[1]?.stdout.toString(), "1.2.3\n");
    assert.deepEqual(filesIn(), before);
  });

  test("npm: two builds are equal bytes, and no script of the project runs", async (t) => {
    const marks = makeFolder(t);
    const touch = `touch ${marks}/ran`;
    const names = ["preinstall", "install", "postinstall", "prepare", "prepublish", "dependencies"];
    const dir = npmProject(t, Object.fromEntries(names.map((name) => [name, touch])));
    const first = await buildOrSkip(t, dir);
    if (first === undefined) return;
    assert.deepEqual(hashes(await build(t, dir)), hashes(first));
    assert.deepEqual(readdirSync(marks), []);
    await build(t, dir, { allowScripts: true });
    assert.deepEqual(readdirSync(marks), ["ran"], "they would have run, had the user allowed it");
  });

  test("pip: what the project and its tests need, equal bytes twice, and pytest passes with it in the sandbox", async (t) => {
    const dir = makeFolder(t, {
      "pyproject.toml": `
        [project]
        name = "demo"
        version = "1"
        dependencies = ["attrs>=22"]
        [dependency-groups]
        test = ["pytest>=8,<9"]
        [build-system]
        requires = ["setuptools"]`,
      "setup.py": `open("ran", "w")`,
      "src/demo/__init__.py": "import attrs\ndef add(a, b):\n    return a + b\n",
      "tests/test_demo.py": "from demo import add\ndef test_add():\n    assert add(1, 2) == 3\n",
    });
    const layers = await buildOrSkip(t, dir);
    if (layers === undefined) return;
    assert.deepEqual(
      layers.map(({ kind, path }) => [kind, path]),
      [["pip", "site-packages"]],
    );
    assert.match(layers[0]?.toolchains[0]?.versionMin ?? "", /^3\.\d+$/);
    assert.deepEqual(hashes(await build(t, dir)), hashes(layers));
    assert.equal(existsSync(join(dir, "ran")), false);
    const ran = await runInSandbox(t, dir, layers, [
      "python3 -m pytest -q && pytest -q tests",
      "(echo x >/opt/layers/site-packages/x) 2>&1 | grep -q 'Read-only file system'",
    ]);
    if (ran === undefined) return;
    assert.deepEqual(
      ran.commands.map(({ exitCode }) => exitCode),
      [0, 0],
      ran.commands.map(({ stdout, stderr }) => stdout.toString() + stderr.toString()).join("\n"),
    );
  });

  test("pnpm: the locked dependencies, equal bytes twice, and no program of the project runs", async (t) => {
    const marks = makeFolder(t);
    const dir = makeFolder(t, {
      "package.json": json({
        name: "demo",
        version: "1.0.0",
        packageManager: "pnpm@1.0.0",
        scripts: { preinstall: `touch ${marks}/ran`, "pnpm:devPreinstall": `touch ${marks}/ran` },
        devDependencies: { semver: "7.7.1" },
      }),
      ".npmrc": `script-shell=${marks}/evil\nignore-scripts=false\n`,
      ".pnpmfile.cjs": `require("fs").writeFileSync(${JSON.stringify(`${marks}/ran`)}, "")`,
      "pnpm-lock.yaml": `lockfileVersion: '9.0'
importers:
  .:
    devDependencies:
      semver:
        specifier: 7.7.1
        version: 7.7.1
packages:
  semver@7.7.1:
    resolution: {integrity: ${SEMVER["7.7.1"]}}
    hasBin: true
snapshots:
  semver@7.7.1: {}
`,
    });
    const layers = await buildOrSkip(t, dir);
    if (layers === undefined) return;
    assert.deepEqual(
      layers.map(({ kind, path }) => [kind, path]),
      [["pnpm", "node_modules"]],
    );
    assert.deepEqual(hashes(await build(t, dir)), hashes(layers));
    assert.deepEqual(readdirSync(marks), []);
    const ran = await runInSandbox(t, dir, layers, ["semver 1.2.3"]);
    if (ran !== undefined) assert.equal(ran.commands[0]?.stdout.toString(), "1.2.3\n");
  });

  test("npm without a registry: workspaces alone are links, which lead to their places in the tree", async (t) => {
    const dir = makeFolder(t, {
      "package.json": json({ name: "demo", version: "1.0.0", workspaces: ["packages/*"] }),
      "packages/a/package.json": json({ name: "a", version: "1.0.0" }),
      "packages/a/index.js": `console.log("from the tree");`,
      "package-lock.json": json({
        name: "demo",
        version: "1.0.0",
        lockfileVersion: 3,
        packages: {
          "": { name: "demo", version: "1.0.0", workspaces: ["packages/*"] },
          "node_modules/a": { resolved: "packages/a", link: true },
          "packages/a": { version: "1.0.0" },
        },
      }),
    });
    const layers = await buildOrSkip(t, dir);
    if (layers === undefined) return;
    const [layer] = layers;
    assert.ok(layer !== undefined);
    const { mount } = await openLayer(layer, layer.tar, makeFolder(t), quiet);
    assert.equal(readlinkSync(join(mount.source, "a")), "../packages/a");
    const ran = await runInSandbox(t, dir, layers, [`node -e 'require("a")'`]);
    if (ran !== undefined) assert.equal(ran.commands[0]?.stdout.toString(), "from the tree\n");
  });

  test("pip builds nothing of a project, however it is asked to", async (t) => {
    const marks = makeFolder(t);
    const setup = `open(${JSON.stringify(`${marks}/ran`)}, "w")`;
    const project = { "setup.py": setup, "pyproject.toml": `[project]\nname = "a"\nversion = "1"\n` };
    for (const line of ["-e .", ".", "six\f.", "six\r-e .", "six==1.17.0\\\n."]) {
      const dir = makeFolder(t, { ...project, "requirements.txt": `${line}\n` });
      await build(t, dir).catch((error: unknown) => {
        const isRefused =
          error instanceof AutopilotError && /^layer_(?:failed|unsupported)$/.test(error.code);
        if (!isRefused) throw error;
      });
      assert.deepEqual(readdirSync(marks), [], JSON.stringify(line));
    }
  });

  test("a project that asks a package manager for another program does not get it", async (t) => {
    const marks = makeFolder(t, { "evil.sh": "" });
    const dir = npmProject(t);
    const evil = `${marks}/ran`;
    writeFileSync(
      join(dir, ".npmrc"),
      `git=${evil}\nscript-shell=${evil}\nignore-scripts=false\nnode-options=--require=${evil}\nprefix=${marks}\ncache=${marks}/cache\n//example.invalid/:_authToken=\${SECRET}\nlegacy-peer-deps=true\n`,
    );
    const layers = await buildOrSkip(t, dir);
    if (layers === undefined) return;
    assert.deepEqual(readdirSync(marks), ["evil.sh"]);
  });
});

test("a project without dependencies has no layers, and needs no tool", async (t) => {
  const none: readonly Readonly<Record<string, string>>[] = [
    {},
    { "README.md": "x" },
    { "package.json": json({ name: "a", scripts: { test: "node --test" } }) },
    { "package.json": json({}), "package-lock.json": json({ lockfileVersion: 3, packages: { "": {} } }) },
    { "package.json": json({}), "pnpm-lock.yaml": "lockfileVersion: '9.0'\n\nimporters:\n\n  .: {}\n" },
    { "requirements.txt": "# nothing\n" },
    { "pyproject.toml": `[project]\nname = "a"\nversion = "1"\n` },
    { "go.mod": "module a\n\ngo 1.22\n" },
    { "go.mod": "module a\nrequire b v1\n", "vendor/modules.txt": "# b v1\n" },
    { "Cargo.lock": `[[package]]\nname = "a"\nversion = "0.1.0"\n` },
  ];
  for (const files of none) assert.deepEqual(await build(t, makeFolder(t, files)), [], json(files));
});

test("what cannot be packed is refused with the next step, before anything is installed", async (t) => {
  const lock = (packages: object) => ({
    "package.json": json({ dependencies: { a: "1" } }),
    "package-lock.json": json({ lockfileVersion: 3, packages: { "": {}, ...packages } }),
  });
  const pnpm = (text: string) => ({ "package.json": json({}), "pnpm-lock.yaml": text });
  const refused: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
    [
      { "package.json": json({ devDependencies: { a: "1" } }) },
      /no lock file.*npm install --package-lock-only/,
    ],
    [{ "package.json": json({ dependencies: { a: "1" } }), "yarn.lock": "" }, /yarn\.lock.*package-lock/],
    [{ "package.json": "{", "package-lock.json": "{}" }, /not JSON/],
    [
      { "package.json": "{}", "package-lock.json": json({ lockfileVersion: 1, dependencies: { a: {} } }) },
      /old version/,
    ],
    [lock({ "node_modules/a": { resolved: "git+ssh://git@code.example/a.git#1" } }), /from git\+ssh/],
    [lock({ "node_modules/a": { resolved: "../../outside", link: true } }), /not in the repository/],
    [lock({ "node_modules/a": { resolved: "/etc", link: true } }), /not in the repository/],
    [
      lock({ "node_modules/a": { dependencies: { b: "git+https://code.example/b.git" } } }),
      /takes b from git/,
    ],
    [lock({ "node_modules/a": {}, p: {} }), /not in the repository/],
    [
      { ...lock({ "node_modules/a": {} }), "package.json": json({ dependencies: { a: "someone/a#main" } }) },
      /package\.json takes a from someone/,
    ],
    [
      { ...lock({ "node_modules/a": {} }), "package.json": json({ overrides: { x: { y: "github:a/b" } } }) },
      /takes y from github/,
    ],
    [lock({ "../outside": {}, "node_modules/a": {} }), /not in the repository/],
    [lock({ "node_modules/a": { resolved: "file:../../x.tgz" } }), /not a path/],
    [lock({ "node_modules/a": { resolved: "file:/etc/passwd" } }), /not a path/],
    [pnpm("importers:\n\n  ../x:\n    a: b\n\npackages:\n\n  a@1:\n    x: y\n"), /not in the repository/],
    [pnpm("patchedDependencies:\n  a: b\n\npackages:\n\n  a@1:\n    x: y\n"), /patched/],
    [pnpm("packages:\n\n  a@1:\n    resolution: {commit: 1, repo: x, type: git}\n"), /not from a registry/],
    [{ "requirements.txt": "-e ./pkg\n" }, /name with versions/],
    [{ "requirements-dev.txt": "git+https://code.example/x\n" }, /allow scripts/],
    [{ "requirements.txt": "--no-binary :all:\npytest\n" }, /--no-binary/],
    [{ "pyproject.toml": `[tool.poetry.dependencies]\npython = "^3.11"\nattrs = "*"\n` }, /poetry export/],
    [
      { "pyproject.toml": `[project]\nname = "a"\ndependencies = ["x @ file:///etc"]\n` },
      /name with versions/,
    ],
    [{ "setup.py": `setup(install_requires=["a"])` }, /setup\.py.*requirements\.txt/],
    [{ Pipfile: "" }, /pipenv requirements/],
    [{ "go.mod": "module a\nrequire (\n\tb v1\n)\n" }, /go mod vendor/],
    [{ "Cargo.lock": `source = "registry+https://index.example"\n` }, /cargo vendor/],
    [{ "composer.lock": json({ packages: [{ name: "a" }] }) }, /composer/],
    [{ Gemfile: `gem "a"\n` }, /bundle cache/],
    [{ "pom.xml": "<dependency>" }, /no dependencies/],
    [{ "build.gradle": "dependencies { x }" }, /no dependencies/],
  ];
  for (const [files, message] of refused)
    await assert.rejects(build(t, makeFolder(t, files)), { code: "layer_unsupported", message }, json(files));
});

test("a manifest that is a link is not followed", async (t) => {
  const outside = makeFolder(t, {
    "secret.txt": "secret==1\n",
    "package.json": json({ dependencies: { a: "1" } }),
  });
  for (const [name, target] of [
    ["package.json", join(outside, "package.json")],
    ["requirements.txt", join(outside, "secret.txt")],
    ["pyproject.toml", "/etc/passwd"],
    ["go.mod", "/etc/passwd"],
  ] as const) {
    const dir = makeFolder(t);
    symlinkSync(target, join(dir, name));
    await assert.rejects(build(t, dir), { code: "layer_unsupported", message: /not a plain file/ }, name);
  }
  const dir = makeFolder(t, { "requirements.txt": "-r sub/more.txt\n" });
  symlinkSync(outside, join(dir, "sub"));
  await assert.rejects(build(t, dir), { code: "layer_unsupported" });
});

test("a tool that is not there is named with what installs it", async (t) => {
  const path = process.env["PATH"];
  process.env["PATH"] = makeFolder(t);
  t.after(() => (process.env["PATH"] = path));
  const lock =
    "lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    x: y\n\npackages:\n\n  a@1.0.0:\n    resolution: {integrity: sha512-x}\n";
  const pnpm = { "package.json": json({ packageManager: "pnpm@10.2.0+sha512.ab" }), "pnpm-lock.yaml": lock };
  for (const [files, message] of [
    [pnpm, /pnpm, which is not on the path\. Run: npm install -g pnpm@10\.2\.0$/],
    [{ "requirements.txt": "pytest\n" }, /python3, which is not on the path/],
  ] as const)
    await assert.rejects(build(t, makeFolder(t, files)), { code: "layer_tool_missing", message });
});

test("an installer gets the registry's settings, a home of its own, and nothing else of our environment", (t) => {
  const { env } = process;
  const names = [
    "OPENAGENTS_SECRET",
    "AWS_SECRET_ACCESS_KEY",
    "NPM_TOKEN",
    "NODE_OPTIONS",
    "PYTHONPATH",
    "LD_PRELOAD",
  ];
  const passed = {
    HTTPS_PROXY: "http://proxy.example",
    PIP_INDEX_URL: "https://index.example",
    npm_config_registry: "https://r.example",
  };
  const before = { ...env };
  t.after(() => {
    for (const name of [...names, ...Object.keys(passed)]) {
      if (before[name] === undefined) delete env[name];
      else env[name] = before[name];
    }
  });
  for (const name of names) env[name] = "secret";
  Object.assign(env, passed);
  const found = toolEnvironment("/scratch");
  assert.equal(Object.values(found).includes("secret"), false);
  for (const [name, value] of Object.entries(passed)) assert.equal(found[name], value);
  assert.equal(found["HOME"], "/scratch/home");
});

test("an aborted build ends its installer and leaves nothing behind", async (t) => {
  const scratch = makeFolder(t);
  const reason = new Error("the owner said so");
  const abort = new AbortController();
  const building = build(t, npmProject(t), {
    scratch,
    signal: abort.signal,
    say: () => abort.abort(reason),
  });
  await assert.rejects(building, (error) => error === reason);
  assert.deepEqual(readdirSync(scratch), []);
});

function hashes(layers: readonly BuiltLayer[]): string[] {
  return layers.map(({ tar }) => createHash("sha256").update(tar).digest("hex"));
}

/** Undefined, and the test skipped, where nothing can be confined. */
async function runInSandbox(
  t: TestContext,
  tree: string,
  layers: readonly BuiltLayer[],
  commands: readonly string[],
): Promise<RunOutcome | undefined> {
  const sandbox = await createSandbox().catch((error: unknown) => {
    if (error instanceof SandboxError && error.code === "sandbox_unavailable") return t.skip(error.message);
    throw error;
  });
  if (sandbox === undefined) return undefined;
  const folder = makeFolder(t);
  const opened = [];
  for (const layer of layers) opened.push(await openLayer(layer, layer.tar, folder, quiet));
  const bins = opened.flatMap((layer) => layer.bins);
  const path = [...bins, "/opt/tc/node/bin", "/usr/local/bin", "/usr/bin", "/bin"].join(":");
  return sandbox.runCommands({
    tree,
    commands,
    limits: {
      wallMs: 60_000,
      cpuMs: 60_000,
      memoryMib: 512,
      pids: 128,
      diskMib: 32,
      outputBytes: 1024 * 1024,
    },
    toolchains: [{ name: "node", prefix: dirname(dirname(process.execPath)) }],
    layers: opened.map(({ mount }) => mount),
    env: Object.assign({ PATH: path }, ...opened.map(({ env }) => env)),
  });
}
