// A unified diff as lines with their numbers. Pure; text that is no diff gives no files.

export type DiffLine = {
  readonly kind: "context" | "added" | "removed";
  readonly text: string;
  readonly before: number | undefined;
  readonly after: number | undefined;
};

export type DiffHunk = { readonly header: string; readonly lines: readonly DiffLine[] };

export type FileDiff = {
  readonly path: string;
  readonly added: number;
  readonly removed: number;
  readonly binary: boolean;
  readonly hunks: readonly DiffHunk[];
};

type OpenFile = { path: string; binary: boolean; hunks: { header: string; lines: DiffLine[] }[] };

const HUNK = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@(.*)$/;

export function parseDiff(text: string): FileDiff[] {
  const files: OpenFile[] = [];
  let before = 0;
  let after = 0;
  // How many lines of each side the hunk still has: a removed line may begin with "--", too.
  let beforeLeft = 0;
  let afterLeft = 0;
  for (const line of text.split("\n")) {
    const file = files.at(-1);
    if (beforeLeft > 0 || afterLeft > 0) {
      const lines = file?.hunks.at(-1)?.lines;
      const body = line.slice(1);
      if (line.startsWith("+")) {
        lines?.push({ kind: "added", text: body, before: undefined, after: after++ });
        afterLeft -= 1;
        continue;
      }
      if (line.startsWith("-")) {
        lines?.push({ kind: "removed", text: body, before: before++, after: undefined });
        beforeLeft -= 1;
        continue;
      }
      if (line.startsWith(" ") || line === "") {
        lines?.push({ kind: "context", text: body, before: before++, after: after++ });
        beforeLeft -= 1;
        afterLeft -= 1;
        continue;
      }
    }
    const hunk = HUNK.exec(line);
    if (line.startsWith("diff --git ")) {
      files.push({ path: line.split(" b/").at(-1) ?? line, binary: false, hunks: [] });
    } else if (hunk !== null && file !== undefined) {
      before = Number(hunk[1]);
      after = Number(hunk[3]);
      beforeLeft = Number(hunk[2] ?? 1);
      afterLeft = Number(hunk[4] ?? 1);
      file.hunks.push({ header: (hunk[5] ?? "").trim(), lines: [] });
    } else if (file !== undefined && /^(Binary files |GIT binary patch)/.test(line)) {
      file.binary = true;
    }
  }
  return files.map((file) => ({ ...file, added: count(file, "added"), removed: count(file, "removed") }));
}

function count(file: OpenFile, kind: DiffLine["kind"]): number {
  return file.hunks.reduce((sum, { lines }) => sum + lines.filter((line) => line.kind === kind).length, 0);
}
