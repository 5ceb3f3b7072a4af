// Which files a patch touches.
//
// Strict, because `git apply` is lenient: it skips what it does not know, so a
// reader that skips other things sees another patch. Everything between the
// first and the last byte must be what `git diff --binary` writes, hunks are
// counted out line by line, and every path appears once.

import { endsProcess } from "./ends-process.ts";
import { PROSE, namesRunner } from "./names-runner.ts";
import { PatchError, type PatchRefusal } from "./patch-error.ts";
import { pathProblem, unquotePath } from "./patch-path.ts";

export type PatchFile = {
  /** Where the file is after the patch; for a deleted one, where it was. */
  readonly path: string;
  readonly status: "added" | "modified" | "deleted" | "renamed";
  /** Where a renamed file was. */
  readonly oldPath?: string;
  /** A line that is added names a test runner. */
  readonly namesRunner?: true;
  /** A line that is added to it can end the process that runs it. */
  readonly endsProcess?: true;
};

const DIFF_CHARS_MAX = 64 * 1024 * 1024;
const FILES_MAX = 10_000;

const REGULAR_MODES = new Set(["100644", "100755"]);
const HUNK = /^@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@(?: .*)?$/;
const INDEX = /^index [0-9a-f]{4,64}\.\.[0-9a-f]{4,64}(?: (\d{6}))?$/;
const BASE85 = /^[A-Za-z][0-9A-Za-z!#$%&()*+;<=>?@^_`{|}~-]{5,65}$/;

/**
 * The files of a diff in its order; none for an empty diff. The diff must be
 * made with the default prefixes `a/` and `b/`, without copies, and with
 * `--binary`. Throws `PatchError` naming the line for anything else, for paths
 * that may not be written, and for symbolic links and submodules. Deleting a
 * symbolic link is allowed; renaming one unchanged cannot be seen in a diff.
 */
export function patchFiles(diff: string): PatchFile[] {
  if (diff.length > DIFF_CHARS_MAX) {
    throw new PatchError("patch_too_large", 1, `the diff is longer than ${DIFF_CHARS_MAX} characters`);
  }
  if (diff === "") return [];
  const lines = diff.split("\n");
  const reader = new Reader(lines);
  if (lines.pop() !== "")
    throw new PatchError("patch_malformed", lines.length + 1, "the last line has no newline");

  const files: PatchFile[] = [];
  const seen = new Set<string>();
  while (reader.peek() !== undefined) {
    const from = reader.at;
    const file = readFile(reader);
    for (const path of file.oldPath === undefined ? [file.path] : [file.path, file.oldPath]) {
      if (seen.has(path)) reader.refuse("patch_malformed", `${JSON.stringify(path)} appears twice`);
      seen.add(path);
    }
    const added = lines.slice(from, reader.at).flatMap((line) => (isAdded(line) ? [line.slice(1)] : []));
    files.push({
      ...file,
      ...(namesRunner(file.path, added) ? { namesRunner: true } : {}),
      ...(!PROSE.test(file.path) && endsProcess(added) ? { endsProcess: true } : {}),
    });
    if (files.length > FILES_MAX)
      reader.refuse("patch_too_large", `the diff touches more than ${FILES_MAX} files`);
  }
  return files;
}

/** In a file's part of the diff; the name that `+++` gives is none. */
function isAdded(line: string): boolean {
  return line.startsWith("+") && !line.startsWith("+++ b/");
}

/** Walks the lines; knows where it is, so that a refusal can say so. */
class Reader {
  readonly #lines: readonly string[];
  #at = 0;

  constructor(lines: readonly string[]) {
    this.#lines = lines;
  }

  get at(): number {
    return this.#at;
  }

  peek(): string | undefined {
    return this.#lines[this.#at];
  }

  next(): string {
    const line = this.#lines[this.#at];
    if (line === undefined) return this.refuse("patch_malformed", "the diff ends too early");
    this.#at += 1;
    return line;
  }

  /** The rest of the next line when it starts so, and the line is taken; else undefined. */
  take(prefix: string): string | undefined {
    const line = this.peek();
    if (line === undefined || !line.startsWith(prefix)) return undefined;
    this.#at += 1;
    return line.slice(prefix.length);
  }

  refuse(code: PatchRefusal, problem: string): never {
    throw new PatchError(code, Math.max(1, this.#at), problem);
  }
}

/** A name as it stands in the diff, still with quotes and prefix. */
type Sides = { readonly old: string; readonly new: string };

function readFile(reader: Reader): PatchFile {
  const header = reader.take("diff --git ");
  if (header === undefined) {
    reader.next();
    reader.refuse("patch_malformed", "expected a line that starts with `diff --git`");
  }
  const extended = readExtendedHeader(reader);
  const { renameFrom, renameTo } = extended;
  if ((renameFrom === undefined) !== (renameTo === undefined)) {
    reader.refuse("patch_malformed", "a rename needs both its names");
  }
  const renamed = renameFrom !== undefined && renameTo !== undefined;
  const raw = renamed
    ? { old: withPrefix("a/", renameFrom), new: withPrefix("b/", renameTo) }
    : splitHeader(reader, header);
  if (renamed && header !== `${raw.old} ${raw.new}`)
    reader.refuse("patch_malformed", "the rename does not match its header");

  const oldPath = pathOf(reader, raw.old, "a/");
  const path = pathOf(reader, raw.new, "b/");
  if (!renamed && oldPath !== path) reader.refuse("patch_malformed", "two names without a rename");
  if (renamed && oldPath === path) reader.refuse("patch_malformed", "a rename to the same name");

  const status = renamed ? "renamed" : (extended.created ?? "modified");
  if (renamed && extended.created !== undefined)
    reader.refuse("patch_malformed", "renamed and also added or deleted");
  const hasContent = readContent(reader, raw, status);
  // Only an empty file, a rename, or a change of mode has no content.
  if (!hasContent && status === "modified" && !extended.modeChanged)
    reader.refuse("patch_malformed", "nothing is changed");
  return renamed ? { path, status, oldPath } : { path, status };
}

type ExtendedHeader = {
  created?: "added" | "deleted";
  modeChanged: boolean;
  renameFrom?: string;
  renameTo?: string;
};

/** The lines between `diff --git` and the content. Refuses modes that are not those of a plain file. */
function readExtendedHeader(reader: Reader): ExtendedHeader {
  const header: ExtendedHeader = { modeChanged: false };
  const seen = new Set<string>();
  for (;;) {
    const line = reader.peek() ?? "";
    const key =
      /^(old mode|new mode|new file mode|deleted file mode|similarity index|rename from|rename to|index) /.exec(
        line,
      )?.[1];
    if (key === undefined) break;
    if (seen.has(key)) reader.refuse("patch_malformed", `\`${key}\` appears twice`);
    seen.add(key);
    const value = reader.take(`${key} `) ?? "";
    if (key === "rename from") header.renameFrom = value;
    else if (key === "rename to") header.renameTo = value;
    else if (key === "similarity index") {
      if (!/^\d{1,3}%$/.test(value))
        reader.refuse("patch_malformed", "`similarity index` needs a percentage");
    } else if (key === "index") {
      const match = INDEX.exec(line);
      if (match === null) reader.refuse("patch_malformed", "`index` needs two object ids");
      else if (match[1] !== undefined) checkMode(reader, match[1]);
    } else {
      if (key === "new file mode") header.created = "added";
      if (key === "deleted file mode") header.created = "deleted";
      if (key === "deleted file mode" && value === "120000") continue;
      checkMode(reader, value);
    }
  }
  if (seen.has("old mode") !== seen.has("new mode"))
    reader.refuse("patch_malformed", "a change of mode needs both modes");
  if (seen.has("new file mode") && seen.has("deleted file mode"))
    reader.refuse("patch_malformed", "added and deleted");
  if (header.created !== undefined && seen.has("old mode"))
    reader.refuse("patch_malformed", "two kinds of mode");
  header.modeChanged = seen.has("old mode");
  return header;
}

function checkMode(reader: Reader, mode: string): void {
  if (REGULAR_MODES.has(mode)) return;
  if (mode === "120000") reader.refuse("patch_mode_refused", "symbolic links are not accepted in a patch");
  if (mode === "160000") reader.refuse("patch_mode_refused", "submodules are not accepted in a patch");
  reader.refuse("patch_mode_refused", `mode ${JSON.stringify(mode)} is not that of a plain file`);
}

/** Without a rename both names are the same, so the middle of the line divides them even when they hold spaces. */
function splitHeader(reader: Reader, header: string): Sides {
  const middle = (header.length - 1) / 2;
  const sides = { old: header.slice(0, middle), new: header.slice(middle + 1) };
  if (header[middle] !== " ") return reader.refuse("patch_malformed", "the two names of the header differ");
  return sides;
}

/** git puts the prefix inside the quotes. */
function withPrefix(prefix: "a/" | "b/", raw: string): string {
  return raw.startsWith('"') ? `"${prefix}${raw.slice(1)}` : `${prefix}${raw}`;
}

function pathOf(reader: Reader, raw: string, prefix: "a/" | "b/"): string {
  const name = unquotePath(raw);
  if (name === undefined)
    return reader.refuse("patch_path_refused", `cannot read the name ${JSON.stringify(raw)}`);
  if (!name.startsWith(prefix))
    return reader.refuse("patch_malformed", `the name ${JSON.stringify(raw)} lacks ${prefix}`);
  const path = name.slice(prefix.length);
  const problem = pathProblem(path);
  if (problem !== undefined)
    return reader.refuse("patch_path_refused", `${problem}: ${JSON.stringify(path)}`);
  return path;
}

/** Text hunks or a binary patch, counted out. False when there is neither. */
function readContent(reader: Reader, raw: Sides, status: PatchFile["status"]): boolean {
  if (reader.take("GIT binary patch") === "") {
    readBinaryPart(reader);
    readBinaryPart(reader);
    return true;
  }
  if (reader.peek()?.startsWith("Binary files ")) {
    reader.next();
    reader.refuse("patch_malformed", "the content of a binary file is missing; make the diff with --binary");
  }
  const before = reader.take("--- ");
  if (before === undefined) return false;
  const after = reader.take("+++ ");
  if (after === undefined) return reader.refuse("patch_malformed", "expected a line that starts with `+++`");
  const wanted = {
    old: status === "added" ? "/dev/null" : raw.old,
    new: status === "deleted" ? "/dev/null" : raw.new,
  };
  if (!isSide(before, wanted.old) || !isSide(after, wanted.new)) {
    reader.refuse("patch_malformed", "the names of `---` and `+++` do not match the header");
  }
  do readHunk(reader);
  while (reader.peek()?.startsWith("@@ "));
  return true;
}

/** git ends a name that holds a space with a tab here, for the sake of other readers. */
function isSide(line: string, wanted: string): boolean {
  return line === wanted || (wanted.includes(" ") && line === `${wanted}\t`);
}

function readHunk(reader: Reader): void {
  const match = HUNK.exec(reader.next());
  if (match === null) return reader.refuse("patch_malformed", "expected a hunk header");
  let oldLeft = Number(match[2] ?? "1");
  let newLeft = Number(match[4] ?? "1");
  if (oldLeft + newLeft === 0) reader.refuse("patch_malformed", "an empty hunk");
  while (oldLeft > 0 || newLeft > 0) {
    const mark = reader.next()[0];
    if (mark === " " || mark === "-") oldLeft -= 1;
    if (mark === " " || mark === "+") newLeft -= 1;
    const known = mark === " " || mark === "-" || mark === "+" || mark === "\\";
    if (!known || oldLeft < 0 || newLeft < 0)
      reader.refuse("patch_malformed", "the hunk does not have the lines that it announces");
  }
  reader.take("\\ No newline at end of file");
}

function readBinaryPart(reader: Reader): void {
  if (!/^(?:literal|delta) \d{1,10}$/.test(reader.next())) {
    reader.refuse("patch_malformed", "expected `literal` or `delta` and a size");
  }
  for (let line = reader.next(); line !== ""; line = reader.next()) {
    if (!BASE85.test(line)) reader.refuse("patch_malformed", "a line of a binary patch is not base 85");
  }
}
