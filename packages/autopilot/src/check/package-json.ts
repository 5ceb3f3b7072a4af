// What a check needs of a package.json: its scripts, what it depends on, and
// the Node that it asks for.

import { AutopilotError } from "../autopilot-error.ts";
import type { Project } from "./check.ts";

export type PackageJson = {
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: ReadonlySet<string>;
  /** The range in `engines`, as written. */
  readonly node: string | undefined;
};

/** Undefined when the project has none. Throws `check_unclear` when it is not JSON. */
export function packageJsonOf(project: Project): PackageJson | undefined {
  const text = project.manifests.get("package.json");
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (cause) {
    throw new AutopilotError(
      "check_unclear",
      'package.json is not JSON, so it does not say how the project is tested. Name the check: --check "…"',
      { cause },
    );
  }
  const dependencies = [
    "dependencies",
    "devDependencies",
    "optionalDependencies",
    "peerDependencies",
  ].flatMap((member) => Object.keys(textsOf(value, member)));
  return {
    scripts: textsOf(value, "scripts"),
    dependencies: new Set(dependencies),
    node: textsOf(value, "engines")["node"],
  };
}

/**
 * The scripts and tasks of a manifest's text by name, one entry for each command;
 * of one that is not plain JSON, all that looks like one.
 */
export function scriptsOf(text: string): readonly (readonly [name: string, command: string])[] {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch {
    return [...text.matchAll(/"([\w:.-]+)"\s*:\s*"([^"\n]*)"/g)].map(([, name = "", one = ""]) => [
      name,
      one,
    ]);
  }
  return ["scripts", "tasks"].flatMap((member) => {
    const found = isRecord(value) ? value[member] : undefined;
    return Object.entries(isRecord(found) ? found : {}).flatMap(([name, one]) =>
      commandsIn(one).map((command) => [name, command] as const),
    );
  });
}

function commandsIn(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.flatMap((one: unknown) => commandsIn(one));
  return isRecord(value) ? commandsIn(value["command"]) : [];
}

/** What `npm init` writes in place of a test. */
export function isPlaceholder(script: string): boolean {
  return /no test specified/.test(script);
}

function textsOf(value: unknown, member: string): Record<string, string> {
  const found = isRecord(value) ? value[member] : undefined;
  if (!isRecord(found)) return {};
  return Object.fromEntries(
    Object.entries(found).flatMap(([name, text]) => (typeof text === "string" ? [[name, text]] : [])),
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
