// What a pyproject.toml asks for: its dependencies, and those of its tests.

import { refuse } from "./project-files.ts";
import { isNamed } from "./requirements.ts";

export type ProjectTable = {
  readonly name: string;
  readonly dependencies: readonly string[];
  readonly extras: Readonly<Record<string, readonly string[]>>;
  readonly groups: Readonly<Record<string, readonly (string | { readonly "include-group": string })[]>>;
  readonly poetry: boolean;
};

/** Names under which projects keep what their tests need. */
const TEST_NAMES = ["dev", "develop", "test", "tests", "testing"];

/** Reads the file that it is given and prints a `ProjectTable`. The parser is Python's own, or the one inside pip before 3.11. */
export const PROJECT_READER = `
import json, sys
try:
    import tomllib
except ImportError:
    from pip._vendor import tomli as tomllib
with open(sys.argv[1], "rb") as file:
    table = tomllib.load(file)
project = table.get("project", {})
poetry = table.get("tool", {}).get("poetry", {})
poetry_names = [set(poetry.get(key, {})) - {"python"} for key in ("dependencies", "dev-dependencies", "group")]
print(json.dumps({
    "name": str(project.get("name", "")),
    "dependencies": project.get("dependencies", []),
    "extras": project.get("optional-dependencies", {}),
    "groups": table.get("dependency-groups", {}),
    "poetry": any(poetry_names),
}))
`;

export function isProjectTable(value: unknown): value is ProjectTable {
  if (typeof value !== "object" || value === null) return false;
  const table = {
    name: undefined,
    dependencies: undefined,
    extras: undefined,
    groups: undefined,
    poetry: undefined,
    ...value,
  };
  const lists = (named: unknown, isItem: (item: unknown) => boolean) =>
    typeof named === "object" &&
    named !== null &&
    Object.values(named).every((list) => Array.isArray(list) && list.every(isItem));
  const isText = (item: unknown) => typeof item === "string";
  const isInclude = (item: unknown) =>
    typeof item === "object" && item !== null && "include-group" in item && isText(item["include-group"]);
  return (
    isText(table.name) &&
    lists([table.dependencies], isText) &&
    lists(table.extras, isText) &&
    lists(table.groups, (item) => isText(item) || isInclude(item)) &&
    typeof table.poetry === "boolean"
  );
}

/** Names with versions: what the project needs, what its tests do, and the extras that were asked for. Throws `layer_unsupported` for an address. */
export function dependenciesOf(table: ProjectTable, extras: readonly string[]): string[] {
  const found = new Set<string>();
  const seen = new Set<string>();
  const add = (dependency: string) => {
    const [, name = "", list] = /^\s*([\w.-]+)\s*(?:\[([^\]]*)\])?/.exec(dependency) ?? [];
    // A project's extra often names other extras of the project itself.
    if (table.name !== "" && plain(name) === plain(table.name))
      for (const extra of (list ?? "").split(",")) addExtra(extra.trim());
    else if (isNamed(dependency)) found.add(dependency.trim());
    else
      refuse(
        `pyproject.toml asks for ${JSON.stringify(dependency)}, which is not a name with versions`,
        "Use a release from an index.",
      );
  };
  const addExtra = (extra: string) => {
    if (seen.has(`extra ${plain(extra)}`)) return;
    seen.add(`extra ${plain(extra)}`);
    for (const [name, list] of Object.entries(table.extras))
      if (plain(name) === plain(extra)) list.forEach(add);
  };
  const addGroup = (group: string) => {
    if (seen.has(`group ${plain(group)}`)) return;
    seen.add(`group ${plain(group)}`);
    for (const [name, list] of Object.entries(table.groups)) {
      if (plain(name) !== plain(group)) continue;
      for (const item of list) {
        if (typeof item === "string") add(item);
        else addGroup(item["include-group"]);
      }
    }
  };
  table.dependencies.forEach(add);
  for (const name of [...TEST_NAMES, ...extras]) addExtra(name);
  for (const name of TEST_NAMES) addGroup(name);
  return [...found];
}

/** Names are the same whatever their case and whichever of `-_.` parts them (PEP 503). */
function plain(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, "-");
}
