// Which modules a TypeScript file names.
//
// A small scanner, not a parser: it blanks comments, templates, and regular
// expressions, so that code which writes code (generators, tests) does not seem
// to import what it only mentions. Enough for files that lint and compile.

export type Import = { readonly specifier: string; readonly line: number };

const STATEMENT = /(?:^|[;}\n])\s*(?:import|export)\b(?:[^;"'()]*?\bfrom)?\s*"([^"\n]+)"/g;
const CALL = /\bimport\s*\(\s*"([^"\n]+)"/g;

/** Every static import, re-export, and `import("…")` with a literal specifier, in order of position. */
export function importsOf(source: string): Import[] {
  const code = blankInert(source);
  const found: (Import & { readonly at: number })[] = [];
  for (const pattern of [STATEMENT, CALL]) {
    for (const match of code.matchAll(pattern)) {
      const specifier = match[1];
      if (specifier === undefined) continue;
      const at = match.index + match[0].length;
      found.push({ specifier, line: lineAt(code, at), at });
    }
  }
  return found.sort((a, b) => a.at - b.at).map(({ specifier, line }) => ({ specifier, line }));
}

function lineAt(text: string, at: number): number {
  let line = 1;
  for (let i = text.indexOf("\n"); i !== -1 && i < at; i = text.indexOf("\n", i + 1)) line++;
  return line;
}

/** The source with comments, templates, regular expressions, and strings' quotes made harmless; lines keep their numbers. */
function blankInert(source: string): string {
  let out = "";
  let at = 0;
  while (at < source.length) {
    const end = inertEnd(source, at, out);
    if (end > at) {
      out += source.slice(at, end).replace(/[^\n]/g, " ");
      at = end;
    } else if (source[at] === '"' || source[at] === "'") {
      const close = quotedEnd(source, at);
      // One kind of quote, and none inside, keeps the patterns above simple.
      out += `"${source.slice(at + 1, close - 1).replaceAll(/["\\]/g, " ")}"`;
      at = close;
    } else {
      out += source[at];
      at++;
    }
  }
  return out;
}

/** Where the comment, template, or regular expression that starts at `at` ends; `at` itself when none starts. */
function inertEnd(source: string, at: number, before: string): number {
  if (source.startsWith("//", at)) return untilOr(source, "\n", at);
  if (source.startsWith("/*", at)) return untilOr(source, "*/", at + 2) + 2;
  if (source[at] === "`") return templateEnd(source, at);
  if (source[at] === "/" && regexMayStart(before)) return regexEnd(source, at);
  return at;
}

function untilOr(source: string, mark: string, from: number): number {
  const found = source.indexOf(mark, from);
  return found === -1 ? source.length : found;
}

function quotedEnd(source: string, at: number): number {
  const quote = source[at];
  let i = at + 1;
  while (i < source.length && source[i] !== quote && source[i] !== "\n") i += source[i] === "\\" ? 2 : 1;
  return Math.min(i + 1, source.length);
}

function templateEnd(source: string, at: number): number {
  let i = at + 1;
  while (i < source.length && source[i] !== "`") {
    if (source[i] === "\\") i += 2;
    else if (source.startsWith("${", i)) i = substitutionEnd(source, i + 2);
    else i++;
  }
  return i + 1;
}

/** After `${`: to just behind its `}`, through nested braces, strings, and templates. */
function substitutionEnd(source: string, from: number): number {
  let depth = 1;
  let i = from;
  while (i < source.length && depth > 0) {
    const char = source[i];
    if (char === "`") i = templateEnd(source, i);
    else if (char === '"' || char === "'") i = quotedEnd(source, i);
    else {
      if (char === "{") depth++;
      if (char === "}") depth--;
      i++;
    }
  }
  return i;
}

/** A slash divides after a value and starts a regular expression elsewhere. */
function regexMayStart(before: string): boolean {
  const text = before.trimEnd();
  return /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|do|else|void|yield|await))$/.test(
    text.slice(-12),
  );
}

function regexEnd(source: string, at: number): number {
  let inClass = false;
  for (let i = at + 1; i < source.length && source[i] !== "\n"; i++) {
    const char = source[i];
    if (char === "\\") i++;
    else if (char === "[") inClass = true;
    else if (char === "]") inClass = false;
    else if (char === "/" && !inClass) return i + 1;
  }
  // Not a regular expression after all: one slash is harmless.
  return at + 1;
}
