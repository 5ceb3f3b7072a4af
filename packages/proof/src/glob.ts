// The small pattern language of `.openagents/config.json`.
//
// `*` is any run of characters within one name, `?` one character, and `**` as a
// whole part any number of folders. A pattern matches the whole path from the
// root of the repository, with case. Matching is linear in the number of parts
// and names, so no pattern can make the verifier slow.

const GLOB_CHARS_MAX = 512;

/** What is wrong with a pattern, in words; undefined when it can be matched. */
export function globProblem(glob: string): string | undefined {
  if (glob === "" || glob.length > GLOB_CHARS_MAX)
    return `is empty or longer than ${GLOB_CHARS_MAX} characters`;
  if (/[\\[\]{}!\p{Cc}]/u.test(glob))
    return "may use only *, ** and ?, and no backslash, bracket, brace or !";
  for (const part of glob.split("/")) {
    if (part === "" || part === "." || part === "..") return `has a part ${JSON.stringify(part)}`;
    if (part.includes("**") && part !== "**") return "may use ** only as a whole part between slashes";
  }
  return undefined;
}

/** Whether the path is what the pattern names. */
export function globMatches(glob: string, path: string): boolean {
  return wildcardMatches(glob.split("/"), path.split("/"), "**", nameMatches);
}

function nameMatches(pattern: string, name: string): boolean {
  return wildcardMatches(
    Array.from(pattern),
    Array.from(name),
    "*",
    (one, char) => one === "?" || one === char,
  );
}

/** Greedy with one point to return to: a later wildcard never needs an earlier one to grow again. */
function wildcardMatches(
  pattern: readonly string[],
  subject: readonly string[],
  any: string,
  same: (one: string, other: string) => boolean,
): boolean {
  let at = 0;
  let after = -1;
  let resume = 0;
  for (let index = 0; index < subject.length;) {
    const one = pattern[at];
    if (one === any) {
      after = at += 1;
      resume = index;
    } else if (one !== undefined && same(one, subject[index] ?? "")) {
      at += 1;
      index += 1;
    } else if (after !== -1) {
      at = after;
      resume += 1;
      index = resume;
    } else {
      return false;
    }
  }
  while (pattern[at] === any) at += 1;
  return at === pattern.length;
}
