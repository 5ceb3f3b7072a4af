// Which check decides about a patch: the one that the user names, else the one
// that the project's configuration names, else the one that its manifest implies.
//
// Pure: `readProject` reads what this needs. A guess is made only where there
// is one way to understand the project; otherwise the user is asked.

import { parseCheckConfig } from "@openagents/proof";
import { AutopilotError } from "../autopilot-error.ts";
import type { Check, Project } from "./check.ts";
import { isPlaceholder, packageJsonOf } from "./package-json.ts";
import { CONFIG_PATH } from "./read-base-config.ts";
import { testRunnerOf, toolchainsOf } from "./read-command.ts";

/**
 * Choose the check of a project; `asked` are the user's own commands, if any.
 * Throws `check_unclear`, `check_not_found`, and what `parseCheckConfig` throws.
 */
export function chooseCheck(project: Project, asked: readonly string[]): Check {
  if (asked.length > 0) return checkOf(asked, project, "named for this run");
  const config = project.manifests.get(CONFIG_PATH);
  const named = config === undefined ? undefined : parseCheckConfig(config).check;
  if (named !== undefined && named.length > 0) return checkOf(named, project, `${CONFIG_PATH} names it`);

  const found = [findNode(project), findPython(project), findGo(project), findCargo(project)].filter(
    (candidate) => candidate !== undefined,
  );
  // A Makefile mostly wraps what the others say, so it decides only alone.
  const [only] = found.length === 0 ? [findMake(project)] : found;
  if (found.length > 1) {
    const names = found.map(({ because }) => because).join("; ");
    throw new AutopilotError(
      "check_unclear",
      `Several things at the root could be the check (${names}). Name the one that counts: --check "…"`,
    );
  }
  if (only === undefined) {
    throw new AutopilotError(
      "check_not_found",
      `Nothing at the root says how the project is tested. Name the check: --check "…", or \`check\` in ${CONFIG_PATH}.`,
    );
  }
  return checkOf([only.command], project, only.because);
}

type Candidate = { readonly command: string; readonly because: string };

function checkOf(commands: readonly string[], project: Project, because: string): Check {
  const runners = commands.flatMap((command) => testRunnerOf(command, project) ?? []);
  const toolchains = new Map(
    commands.flatMap((command) => toolchainsOf(command, project).map((tool) => [tool.name, tool] as const)),
  );
  const [testRunner] = runners;
  return {
    commands,
    toolchains: [...toolchains.values()],
    because,
    // Two runners would report into one place, so neither is read.
    ...(testRunner === undefined || runners.length > 1 ? {} : { testRunner }),
  };
}

function findNode(project: Project): Candidate | undefined {
  const scripts = packageJsonOf(project)?.scripts ?? {};
  const script = Object.hasOwn(scripts, "test") ? scripts["test"] : undefined;
  if (script === undefined || script.trim() === "" || isPlaceholder(script)) return undefined;
  // The text itself needs no npm beside the provider's Node; npm is kept where the script rests on it.
  const needsNpm =
    Object.hasOwn(scripts, "pretest") ||
    Object.hasOwn(scripts, "posttest") ||
    /\b(?:npm|npx|pnpm|yarn|bun)\b|npm_/.test(script);
  return {
    command: needsNpm ? "npm test" : script.trim(),
    because: "the test script of package.json",
  };
}

function findPython(project: Project): Candidate | undefined {
  const { manifests, pythonTests, testsIsPackage } = project;
  const has = (name: string, pattern: RegExp) => pattern.test(manifests.get(name) ?? "");
  if (
    manifests.has("pytest.ini") ||
    manifests.has("conftest.py") ||
    has("pyproject.toml", /^\[tool\.pytest\b/m)
  ) {
    return { command: "python3 -m pytest", because: "pytest is configured" };
  }
  if (has("setup.cfg", /^\[tool:pytest\]/m) || has("tox.ini", /^\[pytest\]/m)) {
    return { command: "python3 -m pytest", because: "pytest is configured" };
  }
  const declared =
    has("requirements.txt", /^pytest\b/m) ||
    has("requirements-dev.txt", /^pytest\b/m) ||
    has("pyproject.toml", /["']pytest\b(?!-)|^\s*pytest\s*=/m);
  if (declared) return { command: "python3 -m pytest", because: "the project declares pytest" };
  if ([...pythonTests.values()].some(({ importsPytest }) => importsPytest)) {
    return { command: "python3 -m pytest", because: "the tests import pytest" };
  }
  if (pythonTests.size === 0) return undefined;
  const inTests = [...pythonTests.keys()].every((path) => path.startsWith("tests/"));
  return {
    // Discovery from the root enters packages only.
    command:
      inTests && !testsIsPackage ? "python3 -m unittest discover -s tests" : "python3 -m unittest discover",
    because: "the project has Python tests",
  };
}

function findGo(project: Project): Candidate | undefined {
  return project.manifests.has("go.mod")
    ? { command: "go test ./...", because: "the project has a go.mod" }
    : undefined;
}

function findCargo(project: Project): Candidate | undefined {
  return project.manifests.has("Cargo.toml")
    ? { command: "cargo test", because: "the project has a Cargo.toml" }
    : undefined;
}

function findMake(project: Project): Candidate | undefined {
  const makefile = project.manifests.get("Makefile") ?? "";
  const target = ["test", "check"].find((name) => new RegExp(`^${name}\\s*:(?!=)`, "m").test(makefile));
  return target === undefined
    ? undefined
    : { command: `make ${target}`, because: `the Makefile has the target \`${target}\`` };
}
