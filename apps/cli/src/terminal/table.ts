import { padEnd, padStart, widthOf } from "./width.ts";
import { noStyle, type Style } from "./style.ts";

export type Column = { readonly title: string; readonly align?: "left" | "right" };

/** Lines of a table with a dim head; columns as wide as their widest cell. The last column is not padded. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  style: Style = noStyle,
): string[] {
  const widths = columns.map((column, index) =>
    Math.max(widthOf(column.title), ...rows.map((row) => widthOf(row[index] ?? ""))),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, index) => {
        const width = widths[index] ?? 0;
        if (columns[index]?.align === "right") return padStart(cell, width);
        return index === columns.length - 1 ? cell : padEnd(cell, width);
      })
      .join("  ")
      .trimEnd();
  return [style.dim(line(columns.map((column) => column.title))), ...rows.map(line)];
}

/** Lines of `name  value` pairs, the names dim and aligned. */
export function renderPairs(pairs: readonly (readonly [string, string])[], style: Style = noStyle): string[] {
  const width = Math.max(0, ...pairs.map(([name]) => widthOf(name)));
  return pairs.map(([name, value]) => `${style.dim(padEnd(name, width))}  ${value}`.trimEnd());
}
