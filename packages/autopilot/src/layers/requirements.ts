// What a requirements file asks for, as lines that pip can be given without
// running anything: names with versions, from an index. Pure; lines that would
// build or run something are told apart.

export type Requirements = {
  /** For a requirements file of our own. */
  readonly lines: readonly string[];
  readonly constraints: readonly string[];
  /** Extras of the project itself (`-e .[test]`); undefined when it is not asked for. */
  readonly ownExtras: readonly string[] | undefined;
  /** Lines that need code of a stranger to run on this machine. */
  readonly building: readonly string[];
  /** Lines that we do not read. */
  readonly unknown: readonly string[];
};

const INCLUDES_MAX = 32;
const LINE_CHARS_MAX = 4_096;
/** Python ends a line at more characters than we do, and pip joins lines at a backslash: what follows would be a line of its own. */
const ODD = /[\p{Cc}\u2028\u2029\\]/u;
/** PEP 508 without an address, and the hashes of pip. */
const NAMED =
  /^[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?\s*(?:\[[\w\s,.-]*\])?\s*(?:\(?[<>=!~][^;/@]*)?(?:;[^/@]*)?$/;
const HASH = /\s--hash[=\s]sha(?:256|384|512):[0-9a-f]+/g;
const OPTION =
  /^(?:--pre|--prefer-binary|--require-hashes|(?:-i|--index-url|--extra-index-url)[\s=]\s*https:\/\/[^\s$]+)$/;
const OWN = /^(?:(?:-e|--editable)[\s=]\s*)?(?:file:)?\.\/?(?:\[([\w\s,.-]*)\])?$/;
const WHEEL = /^(?:[\w.-]+\s*(?:\[[\w\s,.-]*\])?\s*@\s*)?https:\/\/[^\s$]+\.whl(?:#[\w=&]+)?(?:\s*;[^/@]*)?$/;
const ADDRESS =
  /^(?:(?:-e|--editable)[\s=]\s*)?(?:[\w.-]+\s*(?:\[[\w\s,.-]*\])?\s*@\s*)?(?:git\+|https?:)[^\s$]+$/;

/** Read a file and those that it includes. `read` answers the text of a path of the repository, undefined when there is none. */
export function parseRequirements(path: string, read: (path: string) => string | undefined): Requirements {
  const lines: string[] = [];
  const constraints: string[] = [];
  const building: string[] = [];
  const unknown: string[] = [];
  let ownExtras: string[] | undefined;
  const seen = new Set<string>();

  const visit = (file: string, into: string[]): void => {
    const text = read(file);
    if (text === undefined) return void unknown.push(`-r ${file} (there is no such file)`);
    if (seen.has(file)) return;
    seen.add(file);
    if (seen.size > INCLUDES_MAX) return void unknown.push(`-r ${file} (too many files)`);
    for (const line of linesOf(text)) {
      if (line.length > LINE_CHARS_MAX || ODD.test(line)) {
        unknown.push(line.length > LINE_CHARS_MAX ? `${line.slice(0, 80)}…` : line);
        continue;
      }
      const [, option, included] = /^(-r|--requirement|-c|--constraint)[\s=]\s*(\S+)$/.exec(line) ?? [];
      const own = OWN.exec(line);
      if (included !== undefined)
        visit(besides(file, included), option === "-c" || option === "--constraint" ? constraints : into);
      else if (own !== null) (ownExtras ??= []).push(...namesIn(own[1] ?? ""));
      else if (OPTION.test(line) || WHEEL.test(line) || isNamed(line.replace(HASH, ""))) into.push(line);
      else if (ADDRESS.test(line)) building.push(line);
      else unknown.push(line);
    }
  };
  visit(path, lines);
  return { lines, constraints, ownExtras, building, unknown };
}

/** Whether one dependency is a name with versions, and no address. */
export function isNamed(dependency: string): boolean {
  const text = dependency.trim();
  // What begins with a dash would be an option to pip, wherever in the line it is.
  return text.length <= LINE_CHARS_MAX && !ODD.test(text) && !/\s-/.test(text) && NAMED.test(text);
}

/** Lines that say something, joined where one goes on in the next. */
function linesOf(text: string): string[] {
  return text
    .replace(/^\uFEFF/, "")
    .replace(/\\\r?\n/g, " ")
    .split(/\r?\n/)
    .map((line) =>
      line
        .replace(/(?:^|\s)#.*$/, "")
        .replaceAll("\t", " ")
        .trim(),
    )
    .filter((line) => line !== "");
}

function besides(file: string, included: string): string {
  const folder = file.includes("/") ? file.slice(0, file.lastIndexOf("/") + 1) : "";
  const parts: string[] = [];
  for (const part of `${folder}${included}`.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "." && part !== "") parts.push(part);
  }
  return parts.join("/");
}

function namesIn(list: string): string[] {
  return list
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}
