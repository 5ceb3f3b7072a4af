// Which tools a policy lets an autopilot use, as boxes to tick, and back. A policy
// without a list allows everything, so that boxes of which none is ticked have to
// be written as a denial. Pure.

export type ToolRules = {
  readonly toolsAllowed: readonly string[];
  readonly toolsDenied: readonly string[];
};

/** The tools of these that the rules allow: what is denied wins, and an empty list allows all. */
export function allowedTools(rules: ToolRules, tools: readonly string[]): ReadonlySet<string> {
  const names = (list: readonly string[], tool: string) => list.includes(tool) || list.includes(packOf(tool));
  const isAllowed = (tool: string) => rules.toolsAllowed.length === 0 || names(rules.toolsAllowed, tool);
  return new Set(tools.filter((tool) => isAllowed(tool) && !names(rules.toolsDenied, tool)));
}

/**
 * Rules that allow exactly the chosen ones of these tools, and no pack that is
 * added later. What the rules say of packs that are not offered here stays.
 */
export function rulesFor(
  chosen: ReadonlySet<string>,
  tools: readonly string[],
  before: ToolRules,
): ToolRules {
  const packs = [...new Set(tools.map(packOf))];
  const others = (list: readonly string[]) => list.filter((name) => !packs.includes(packOf(name)));
  const allowed = packs.flatMap((pack) => {
    const own = tools.filter((tool) => packOf(tool) === pack);
    const ticked = own.filter((tool) => chosen.has(tool));
    return ticked.length === own.length && own.length > 1 ? [pack] : ticked;
  });
  const toolsAllowed = [...allowed, ...others(before.toolsAllowed)];
  const toolsDenied = others(before.toolsDenied);
  // An empty list would allow them all.
  return toolsAllowed.length === 0
    ? { toolsAllowed, toolsDenied: [...packs, ...toolsDenied] }
    : { toolsAllowed, toolsDenied };
}

function packOf(name: string): string {
  return name.split("/", 1)[0] ?? name;
}
