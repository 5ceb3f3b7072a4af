// Which command lines make would run for its goals, as far as a Makefile says so
// without running anything. Where that is not clear, the lines of every rule count.

export type Makefile = {
  /** Lines of recipes, each for a shell of its own, with make's variables put in. */
  recipes(goals: readonly string[]): readonly string[];
  /** Files that it includes, as written. */
  readonly includes: readonly string[];
};

type Rule = { readonly targets: string; readonly needs: string; readonly lines: string[] };

/** What make knows by itself. */
const BUILT_IN: Readonly<Record<string, string>> = {
  MAKE: "make",
  CC: "cc",
  CXX: "c++",
  CPP: "cc -E",
  AR: "ar",
  AS: "as",
  LD: "ld",
  RM: "rm -f",
  CURDIR: ".",
  PWD: ".",
};

const EXPANSIONS_DEPTH_MAX = 8;
const TEXT_CHARS_MAX = 16 * 1024;

/** Of the texts of a Makefile and of what it includes, one after the other. */
export function readMakefile(text: string): Makefile {
  const variables = new Map<string, string>(Object.entries(BUILT_IN));
  const loose: string[] = [];
  const includes: string[] = [];
  const rules: Rule[] = [];
  let inDefine = false;
  for (const line of text.replaceAll("\r", "").replaceAll("\\\n", " ").split("\n")) {
    const assignment = /^\s*(?:(?:export|override|private)\s+)*([\w.-]+)\s*(?:[:?+!]|::)?=\s*(.*)$/.exec(
      line,
    );
    const rule = /^([^\t#=:][^#=:]*?)\s*::?(?![=:])\s*(.*)$/.exec(line);
    if (/^define\b/.test(line)) inDefine = true;
    else if (/^endef\b/.test(line)) inDefine = false;
    else if (inDefine) loose.push(line);
    else if (line.startsWith("\t")) rules.at(-1)?.lines.push(line);
    else if (/^\s*[-s]?include\s/.test(line)) includes.push(...line.trim().split(/\s+/).slice(1));
    else if (assignment !== null) assign(assignment[1] ?? "", assignment[2] ?? "", line);
    else if (rule !== null) addRule(rule[1] ?? "", rule[2] ?? "");
  }

  function assign(name: string, value: string, line: string): void {
    // Of several values, any may be the one that counts; a shell may make one too.
    const isOther = variables.has(name) && variables.get(name) !== value;
    if (isOther || /[!]=|\$[({]shell\b/.test(line)) loose.push(`: ${value}`);
    if (name === "SHELL" || line.includes("!=")) loose.push(value);
    variables.set(name, /[+]=/.test(line) ? `${variables.get(name) ?? ""} ${value}` : value);
  }

  function addRule(targets: string, rest: string): void {
    const own = /^([\w.-]+)\s*(?:[:?+])?=\s*(.*)$/.exec(rest);
    if (own !== null) return assign(own[1] ?? "", own[2] ?? "", rest);
    const at = rest.indexOf(";");
    const needs = at === -1 ? rest : rest.slice(0, at);
    rules.push({ targets, needs, lines: at === -1 ? [] : [rest.slice(at + 1)] });
  }

  const put = (value: string) => expand(value, variables, 0);
  return {
    includes: includes.flatMap((name) => put(name).split(/\s+/)),
    recipes(goals) {
      const lines = neededRules(rules, goals, put).flatMap(({ targets, needs, lines: own }) => {
        const [names, wants] = [wordsOf(put(targets)), wordsOf(put(needs).replace("|", " "))];
        const automatic = new Map([
          ["@", names.join(" ")],
          ["<", wants[0] ?? ""],
          ["^", wants.join(" ")],
          ["+", wants.join(" ")],
          ["?", wants.join(" ")],
        ]);
        return own.map((line) => expand(line, new Map([...variables, ...automatic]), 0));
      });
      return [...lines, ...loose.map(put)].map((line) => line.replace(/^[\s@+-]+/, ""));
    },
  };
}

/** Those of the goals and of all that these need; patterns may serve any. */
function neededRules(
  rules: readonly Rule[],
  goals: readonly string[],
  put: (value: string) => string,
): readonly Rule[] {
  const named = rules.map((rule) => ({ rule, targets: wordsOf(put(rule.targets)) }));
  const isOpen = (target: string) => /[%$*]|^[.]/.test(target);
  const first = named.flatMap(({ targets }) => targets.filter((target) => !isOpen(target)))[0];
  const queue = goals.length > 0 ? [...goals] : first === undefined ? [] : [first];
  const known = new Set(named.flatMap(({ targets }) => targets));
  if (queue.length === 0 || queue.some((goal) => !known.has(goal))) return rules;
  const needed = new Set<Rule>(named.filter(({ targets }) => targets.some(isOpen)).map(({ rule }) => rule));
  const seen = new Set<string>();
  const follow = (rule: Rule) => queue.push(...wordsOf(put(rule.needs).replace("|", " ")));
  for (const rule of needed) follow(rule);
  for (let target = queue.pop(); target !== undefined; target = queue.pop()) {
    if (seen.has(target)) continue;
    seen.add(target);
    for (const { rule, targets } of named) {
      if (!targets.includes(target)) continue;
      needed.add(rule);
      follow(rule);
    }
  }
  return rules.filter((rule) => needed.has(rule));
}

function wordsOf(text: string): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}

/**
 * `$(NAME)` becomes its value and `$(shell x)` what a shell reads as `$(x)`; of
 * other functions the arguments are left. What is unknown is empty.
 */
function expand(text: string, variables: ReadonlyMap<string, string>, depth: number): string {
  if (depth > EXPANSIONS_DEPTH_MAX) return "";
  let out = "";
  for (let at = 0; at < text.length && out.length < TEXT_CHARS_MAX; at += 1) {
    const next = text[at + 1] ?? "";
    if (text[at] !== "$") out += text[at];
    else if (next === "$") {
      out += "$";
      at += 1;
    } else if (next === "(" || next === "{") {
      const end = closing(text, at + 1);
      out += valueOf(text.slice(at + 2, end), variables, depth);
      at = end;
    } else {
      out += expand(variables.get(next) ?? "", variables, depth + 1);
      at += 1;
    }
  }
  return out;
}

function valueOf(inside: string, variables: ReadonlyMap<string, string>, depth: number): string {
  const [, called, rest = ""] = /^([\w-]+)\s+(.*)$/s.exec(inside) ?? [];
  if (called === "shell") return `$(${expand(rest, variables, depth + 1)})`;
  if (called !== undefined) return expand(rest.replaceAll(",", " "), variables, depth + 1);
  const name = expand(inside.replace(/:.*$/s, ""), variables, depth + 1);
  return expand(variables.get(name) ?? "", variables, depth + 1);
}

/** Of the bracket at `from`. */
function closing(text: string, from: number): number {
  const [open, close] = text[from] === "(" ? ["(", ")"] : ["{", "}"];
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === open) depth += 1;
    else if (text[at] === close) depth -= 1;
    if (depth === 0) return at;
  }
  return text.length;
}
