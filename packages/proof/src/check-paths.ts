// Which paths decide whether a check passes.
//
// A table for common ecosystems, which a repository's own configuration adds to.
// It errs towards "decides": a source file taken for a test costs a person's
// look, a test taken for source costs the proof. For the same reason the
// configuration can take back only what a folder's name alone made a test or a
// script; what a tool finds by its own name stays what it is.

import type { CheckConfig } from "./check-config.ts";
import { globMatches } from "./glob.ts";

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
  "bunfig.toml",
  "lerna.json",
  "nx.json",
  "turbo.json",
  "makefile",
  "gnumakefile",
  "justfile",
  "taskfile.yml",
  "rakefile",
  "conftest.py",
  "pytest.ini",
  "pytest.toml",
  "pyproject.toml",
  "hatch.toml",
  "pixi.toml",
  "manage.py",
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
  "gradle.properties",
  "gradlew",
  "mvnw",
  "composer.json",
  "composer.lock",
  "dockerfile",
  "taskfile.yaml",
  "mix.exs",
  "mix.lock",
  "build.sbt",
  "configure",
  "configure.ac",
  "configure.in",
  "makefile.am",
  "makefile.in",
  "cmakepresets.json",
  "cmakeuserpresets.json",
  "meson_options.txt",
  "meson.options",
  "build.ninja",
  "sconstruct",
  "sconscript",
  "wscript",
  "build.zig",
  "build.zig.zon",
  "workspace",
  "workspace.bazel",
  "build",
  "build.bazel",
  "module.bazel",
  "module.bazel.lock",
  "dune",
  "dune-project",
  "dune-workspace",
  "stack.yaml",
  "stack.yaml.lock",
  "cabal.project",
  "package.yaml",
  "package.swift",
  "package.resolved",
  "podfile",
  "podfile.lock",
  "pubspec.yaml",
  "pubspec.lock",
  "rebar.config",
  "rebar.lock",
  "deps.edn",
  "bb.edn",
  "build.boot",
  "project.clj",
  "shadow-cljs.edn",
  "shard.yml",
  "earthfile",
  "vagrantfile",
  "procfile",
  "cpanfile",
  "makefile.pl",
  "build.pl",
  "magefile.go",
  "build.xml",
  "build.cake",
  "global.json",
  "nuget.config",
  "packages.lock.json",
  "directory.build.props",
  "directory.build.targets",
  "directory.packages.props",
  "flake.nix",
  "flake.lock",
  "shell.nix",
  "default.nix",
  "environment.yml",
  "environment.yaml",
  "foundry.toml",
  "gulpfile.js",
  "gruntfile.js",
  "phpunit.xml",
  "phpunit.xml.dist",
  "spec_helper.rb",
]);

const CONFIG_PATTERNS: readonly RegExp[] = [
  /^tsconfig[^/]*[.]json$/,
  /^(?:vitest|vite|jest|babel|mocha|ava|karma|playwright|cypress|webpack|rollup|esbuild|swc|nyc|tap)[^/]*[.]config[.][^/]+$/,
  /^(?:vitest|jest)[.-](?:setup|workspace|preset|environment|globals?)[^/]*$/,
  /^(?:test-)?requirements[^/]*[.]txt$/,
  /^constraints[^/]*[.]txt$/,
  /[.](?:mk|pth|csproj|fsproj|vbproj|sln|slnx|cabal|gemspec|nimble|opam|rockspec|podspec|gradle|gradle[.]kts|sbt|bzl|cmake)$/,
  /^(?:gulpfile|gruntfile|wallaby|protractor|wdio|knexfile|webpack)[.][^/]+$/,
];

const SCRIPT_FOLDERS = new Set(["scripts", "script", "ci"]);

/** At the root a script builds or checks; deeper it may be what the project is. */
const ROOT_SCRIPT = /[.](?:sh|bash|ps1|bat|cmd)$/;

/** Where packages are installed: a file here replaces a dependency, the runner among them. */
const INSTALLED_FOLDER = /^(?:node_modules|site-packages|__pycache__|.*[.](?:dist|egg)-info)$/;

/** At the root any tool's configuration counts; deeper, frameworks call source so. */
const ROOT_CONFIG = /[.]config[.](?:[cm]?[jt]sx?|json|ya?ml|toml)$/;

/** Targets that Makefiles run checks by: make takes one for done when a file of its name is there. */
const MAKE_TARGET = /^(?:all|check|tests?|unit)$/;

/** Modules at the root that Python would take for its test runners, or for our reporter. */
const RUNNER_SHADOW = /^(?:_?pytest|unittest|pluggy|runpy|openagents_report[a-z_]*)(?:[.][^/]+)?$/;

/**
 * Whether the file is a test, or what only tests read: by its folder at any depth
 * (which the configuration may take back), by its name, or by the configuration.
 */
export function isTestPath(path: string, config?: CheckConfig): boolean {
  const { folders, name } = partsOf(path);
  if (TEST_NAMES.some((pattern) => pattern.test(name))) return true;
  if (matchesAny(config?.testPaths, path)) return true;
  if (matchesAny(config?.sourcePaths, path)) return false;
  return folders.some((folder) => TEST_FOLDERS.has(folder.toLowerCase()));
}

/**
 * Whether the file says how checks are built, found, or run: known names, dot
 * files and dot folders at any depth, installed packages, scripts at the root and
 * in `scripts/`, `script/` and `ci/` there (these folders the configuration may
 * take back), or by the configuration. Names compare
 * without case, since some file systems and tools fold it.
 */
export function isCheckConfigPath(path: string, config?: CheckConfig): boolean {
  const { folders, name } = partsOf(path.toLowerCase());
  if ([...folders, name].some((part) => part.startsWith("."))) return true;
  if (folders.some((folder) => INSTALLED_FOLDER.test(folder))) return true;
  if (folders.length === 0 && (ROOT_CONFIG.test(name) || ROOT_SCRIPT.test(name) || MAKE_TARGET.test(name)))
    return true;
  if (RUNNER_SHADOW.test(folders[0] ?? name)) return true;
  if (CONFIG_NAMES.has(name) || CONFIG_PATTERNS.some((pattern) => pattern.test(name))) return true;
  if (matchesAny(config?.configPaths, path)) return true;
  if (matchesAny(config?.sourcePaths, path)) return false;
  return folders[0] !== undefined && SCRIPT_FOLDERS.has(folders[0]);
}

function matchesAny(globs: readonly string[] | undefined, path: string): boolean {
  return globs?.some((glob) => globMatches(glob, path)) ?? false;
}

function partsOf(path: string): { readonly folders: readonly string[]; readonly name: string } {
  const parts = path.split("/");
  return { folders: parts.slice(0, -1), name: parts.at(-1) ?? "" };
}
