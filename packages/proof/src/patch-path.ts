// Which paths a patch may name, and how git writes them.
//
// A path is what `git apply` would write to, so it is judged after unquoting
// and never repaired: a name that we would read otherwise than git is refused.

const PATH_BYTES_MAX = 4_096;
const NAME_BYTES_MAX = 255;

const ESCAPES: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  t: 9,
  n: 10,
  v: 11,
  f: 12,
  r: 13,
  '"': 34,
  "\\": 92,
};

/**
 * One name as git writes it in a diff: as it is, or in double quotes with C
 * escapes when it holds other than printable ASCII. Undefined when it is neither,
 * or when its bytes are not UTF-8.
 */
export function unquotePath(raw: string): string | undefined {
  if (!raw.startsWith('"')) return /["\\\t]/.test(raw) ? undefined : raw;
  if (raw.length < 2 || !raw.endsWith('"')) return undefined;
  const bytes: Buffer[] = [];
  const piece = /\\([0-3][0-7]{2})|\\([abtnvfr"\\])|([^"\\]+)/y;
  for (let at = 1; at < raw.length - 1; at = piece.lastIndex) {
    piece.lastIndex = at;
    const match = piece.exec(raw);
    if (match === null) return undefined;
    const [, octal, escape, plain] = match;
    if (octal !== undefined) bytes.push(Buffer.of(Number.parseInt(octal, 8)));
    else if (escape !== undefined) bytes.push(Buffer.of(ESCAPES[escape] ?? 0));
    else bytes.push(Buffer.from(plain ?? "", "utf8"));
  }
  const path = Buffer.concat(bytes);
  const text = path.toString("utf8");
  return Buffer.from(text, "utf8").equals(path) ? text : undefined;
}

/** What is wrong with a path below the root of a tree, in words; undefined when it may be written. */
export function pathProblem(path: string): string | undefined {
  if (path === "") return "the path is empty";
  if (Buffer.byteLength(path) > PATH_BYTES_MAX) return `the path is longer than ${PATH_BYTES_MAX} bytes`;
  // Control characters (NUL among them) would also let a name pretend in a terminal.
  if (/\p{Cc}/u.test(path)) return "the path holds a control character";
  // What a lossy decoding leaves behind: git would write to another name.
  if (path.includes("\ufffd")) return "the path is not valid UTF-8";
  if (path.startsWith("/")) return "the path is absolute";
  for (const name of path.split("/")) {
    if (name === "" || name === "." || name === "..") return `the path has a part ${JSON.stringify(name)}`;
    if (isGitFolder(name)) return "the path goes into .git";
    if (Buffer.byteLength(name) > NAME_BYTES_MAX)
      return `a part of the path is longer than ${NAME_BYTES_MAX} bytes`;
  }
  return undefined;
}

/** Also the spellings under which file systems that fold names would find it. */
function isGitFolder(name: string): boolean {
  const folded = name.toLowerCase().replace(/[ .]+$/, "");
  return folded === ".git" || folded === "git~1";
}
