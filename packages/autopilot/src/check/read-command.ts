// What a command line says about itself: which test runner it starts, and which
// toolchains it needs. Scripts of a package.json are read through.

import type { ToolchainRequirement } from "@openagents/contracts";
import { conflictsWithReporter } from "@openagents/proof";
import type { Project, TestRunner } from "./check.ts";
import { packageJsonOf } from "./package-json.ts";

/** How each runner shows in a command line. */
const RUNNERS: readonly (readonly [TestRunner, RegExp])[] = [
  ["node_test", /\bnode\b[^&|;]*\s--test(?=\s|$)/],
  ["vitest", /(?:^|[\s/])vitest(?=\s|$)/],
  ["jest", /(?:^|[\s/])jest(?=\s|$)/],
  ["pytest", /(?:^|[\s/])(?:pytest|py\.test)(?=\s|$)/],
  ["unittest", /-m\s+unittest(?=\s|$)/],
  ["go", /\bgo\s+test\b/],
  ["cargo", /\bcargo\s+test\b/],
];

/** How far scripts that run scripts are followed. */
const DEPTH_MAX = 4;

/** The command with the text of every script that it runs after it. */
export function expandScripts(command: string, project: Project, depth = 0): string {
  const scripts = packageJsonOf(project)?.scripts ?? {};
  if (depth >= DEPTH_MAX) return command;
  const called = [...command.matchAll(/\b(?:npm|pnpm|yarn)\s+(?:run\s+)?([A-Za-z0-9:_-]+)/g)];
  const texts = called.flatMap(([, name = ""]) => {
    const text = Object.hasOwn(scripts, name === "t" ? "test" : name)
      ? scripts[name === "t" ? "test" : name]
      : undefined;
    return text === undefined ? [] : [expandScripts(text, project, depth + 1)];
  });
  return [command, ...texts].join(" ; ");
}

/**
 * The one runner that a command starts. Undefined when there is none, or several, or
 * one that is not installed or reports in a way of its own.
 */
export function testRunnerOf(command: string, project: Project): TestRunner | undefined {
  const text = expandScripts(command, project);
  const found = RUNNERS.filter(([, pattern]) => pattern.test(text)).map(([runner]) => runner);
  const [runner] = found;
  if (runner === undefined || found.length > 1) return undefined;
  const installs = runner === "vitest" || runner === "jest";
  if (installs && packageJsonOf(project)?.dependencies.has(runner) !== true) return undefined;
  // A script that sets up its own reporter would leave ours without a word.
  return conflictsWithReporter(text, runner) ? undefined : runner;
}

const TOOLS: readonly (readonly [string, RegExp])[] = [
  ["node", /(?:^|[\s/;&|(])(?:node|npm|npx|pnpm|yarn|vitest|jest|mocha|tsc|ava|tap|tape)(?=\s|$)/],
  // By the names of the programs: a system's own Python has none that is called `python`.
  ["python3", /(?:^|[\s/;&|(])(?:python3[0-9.]*|pytest|py\.test|tox|nox)(?=\s|$)/],
  ["python", /(?:^|[\s/;&|(])python(?=\s|$)/],
  ["go", /(?:^|[\s;&|(])go\s/],
  ["cargo", /(?:^|[\s;&|(])cargo\s/],
];

/** The toolchains that a command needs, at the versions that the project asks for. */
export function toolchainsOf(command: string, project: Project): readonly ToolchainRequirement[] {
  const text = expandScripts(command, project);
  return TOOLS.filter(([, pattern]) => pattern.test(text)).map(([name]) => ({
    name,
    versionMin: versionMinOf(name, project),
  }));
}

/** What a project that names no version gets: old enough for every provider. */
const VERSION_DEFAULTS: Readonly<Record<string, string>> = {
  node: "18",
  python: "3.8",
  python3: "3.8",
  go: "1.18",
  cargo: "1.56",
};

function versionMinOf(name: string, project: Project): string {
  const { manifests } = project;
  const python =
    /^\s*requires-python\s*=\s*["']([^"']+)["']/m.exec(manifests.get("pyproject.toml") ?? "")?.[1] ??
    /^\s*python_requires\s*=\s*(.+)$/m.exec(manifests.get("setup.cfg") ?? "")?.[1];
  const named = {
    node: packageJsonOf(project)?.node,
    python,
    python3: python,
    go: /^go\s+(\S+)/m.exec(manifests.get("go.mod") ?? "")?.[1],
    cargo: /^\s*rust-version\s*=\s*["']([^"']+)["']/m.exec(manifests.get("Cargo.toml") ?? "")?.[1],
  }[name];
  return lowestVersion(named ?? "") ?? VERSION_DEFAULTS[name] ?? "0";
}

/**
 * The lowest version that a range allows: `>=20.1 <23` gives `20.1`, `^18 || >=20`
 * gives `18`. Upper bounds and exclusions do not count. Undefined when it names none.
 */
export function lowestVersion(range: string): string | undefined {
  const versions = [...range.matchAll(/(<=?|!=|[>=~^]*)\s*v?(\d{1,6}(?:\.\d{1,6}){0,3})/g)].flatMap(
    ([, operator = "", version = ""]) => (operator.startsWith("<") || operator === "!=" ? [] : [version]),
  );
  return versions.toSorted(compareVersions)[0];
}

function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split(".").map(Number));
  for (let index = 0; index < 4; index += 1) {
    const difference = (left?.[index] ?? 0) - (right?.[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
