// Which paths decide whether a check passes.
//
// A first table for common ecosystems. It errs towards "decides": a source file
// taken for a test costs a person's look, a test taken for source costs the proof.

const TEST_FOLDERS = new Set([
  "test",
  "tests",
  "__tests__",
  "spec",
  "specs",
  "__snapshots__",
  "__mocks__",
  "testdata",
]);

const TEST_NAMES: readonly RegExp[] = [
  /[.](?:test|spec)s?[.]/, // JavaScript, TypeScript, and what follows them
  /^test_[^/]*[.]py$/, // pytest and unittest
  /_tests?[.]py$/,
  /_test[.]go$/,
  /_tests?[.](?:rs|c|cc|cpp|rb|exs?|dart)$/,
  /_spec[.]rb$/,
  /^Tests?[A-Z][^/]*[.](?:java|kt)$/, // JUnit
  /Tests?[.](?:java|kt|cs|swift|php)$/,
  /^test[.](?:[cm]?[jt]sx?|py)$/,
];

const CONFIG_NAMES = new Set([
  "package.json",
  "package-lock.json",
  "npm-shrinkwrap.json",
  "yarn.lock",
  "pnpm-lock.yaml",
  "pnpm-workspace.yaml",
  "bun.lock",
  "bun.lockb",
  "deno.json",
  "deno.jsonc",
  "deno.lock",
  ".npmrc",
  ".yarnrc",
  ".yarnrc.yml",
  ".gitattributes",
  "makefile",
  "gnumakefile",
  "justfile",
  "taskfile.yml",
  "rakefile",
  "conftest.py",
  "pytest.ini",
  "pyproject.toml",
  "tox.ini",
  "noxfile.py",
  "setup.cfg",
  "setup.py",
  "sitecustomize.py",
  "usercustomize.py",
  "poetry.lock",
  "uv.lock",
  "pipfile",
  "pipfile.lock",
  "cargo.toml",
  "cargo.lock",
  "build.rs",
  "rust-toolchain",
  "rust-toolchain.toml",
  "go.mod",
  "go.sum",
  "go.work",
  "cmakelists.txt",
  "meson.build",
  "gemfile",
  "gemfile.lock",
  "pom.xml",
  "build.gradle",
  "build.gradle.kts",
  "settings.gradle",
  "settings.gradle.kts",
  "composer.json",
  "composer.lock",
  "dockerfile",
]);

const CONFIG_PATTERNS: readonly RegExp[] = [
  /^tsconfig[^/]*[.]json$/,
  /^(?:vitest|vite|jest|babel|mocha|ava|karma|playwright|cypress|webpack|rollup|esbuild|swc|nyc|tap)[^/]*[.]config[.][^/]+$/,
  /^(?:vitest|jest)[.](?:setup|workspace|preset)[^/]*$/,
  /^[.](?:babelrc|mocharc|nycrc|c8rc|taprc|swcrc|jestrc)(?:[.][^/]+)?$/,
  /^(?:test-)?requirements[^/]*[.]txt$/,
  /^constraints[^/]*[.]txt$/,
  /[.](?:mk|pth)$/,
];

const CONFIG_ROOT_FOLDERS = new Set(["scripts", ".openagents"]);

/** Whether the file is a test, or what only tests read: by its folder at any depth, or by its name. */
export function isTestPath(path: string): boolean {
  const { folders, name } = partsOf(path);
  if (folders.some((folder) => TEST_FOLDERS.has(folder.toLowerCase()))) return true;
  return TEST_NAMES.some((pattern) => pattern.test(name));
}

/**
 * Whether the file says how checks are built, found, or run: known names at any
 * depth, any dot file or dot folder at the root, `scripts/` and `.openagents/`.
 * Names compare without case, since some file systems and tools fold it.
 */
export function isCheckConfigPath(path: string): boolean {
  const { folders, name } = partsOf(path);
  const root = (folders[0] ?? name).toLowerCase();
  if (root.startsWith(".")) return true;
  if (folders.length > 0 && CONFIG_ROOT_FOLDERS.has(root)) return true;
  const folded = name.toLowerCase();
  return CONFIG_NAMES.has(folded) || CONFIG_PATTERNS.some((pattern) => pattern.test(folded));
}

function partsOf(path: string): { readonly folders: readonly string[]; readonly name: string } {
  const parts = path.split("/");
  return { folders: parts.slice(0, -1), name: parts.at(-1) ?? "" };
}
