// Text of strangers in a Markdown document: whatever it holds, it stays inside
// its code span, its table cell, its quotation or its line, and starts nothing.

const QUOTED_CHARS_MAX = 2_000;
const LINE_CHARS_MAX = 400;
const OUTPUT_CHARS_MAX = 4_000;
const OUTPUT_LINES_MAX = 40;

/** In a code span; never empty, since that would be two bare backticks. */
export function code(text: string): string {
  return `\`${oneLine(text).replaceAll("`", "'") || " "}\``;
}

/** In a code span in a table's cell, where a bar divides even inside of code. */
export function cell(text: string): string {
  return code(text.replaceAll("\\", "/")).replaceAll("|", "\\|");
}

/** As words of a sentence or a heading: nothing in it is markup, a link, or a mention. */
export function plain(text: string): string {
  return oneLine(text)
    .replace(/[\\`*_[\]<>|~&]/g, "\\$&")
    .replace(/^([#+-])|^(\d+)([.)])/, (_all, mark: string | undefined, number: string, dot: string) =>
      mark === undefined ? `${number}\\${dot}` : `\\${mark}`,
    )
    .replaceAll("@", "@\u200B")
    .replaceAll("://", ":\u200B//");
}

/** As a quotation, every line of it marked; a carriage return alone ends a line too. */
export function quoted(text: string): string {
  const cut = text.length <= QUOTED_CHARS_MAX ? text : `${text.slice(0, QUOTED_CHARS_MAX).toWellFormed()}…`;
  return cut
    .split(/\r\n|\r|\n/)
    .map((line) => `> ${line}`.trimEnd())
    .join("\n");
}

/** The end of a program's output, as an indented block, in which nothing is markup; needs a blank line before it. */
export function outputBlock(text: string): string {
  const lines = text
    .slice(-OUTPUT_CHARS_MAX)
    .toWellFormed()
    .split(/\r\n|[\r\n\u2028\u2029]/)
    .map((line) => line.replace(/\p{Cc}+/gu, " ").trimEnd());
  return lines
    .slice(-OUTPUT_LINES_MAX)
    .map((line) => `    ${line}`)
    .join("\n");
}

function oneLine(text: string): string {
  const line = text.replace(/[\s\p{Cc}]+/gu, " ").trim();
  return line.length <= LINE_CHARS_MAX ? line : `${line.slice(0, LINE_CHARS_MAX).toWellFormed()}…`;
}
