import { visibleWidth } from "./width.js";

/**
 * Wrap a text so that no line is wider than `width` columns. Paragraphs are
 * separated by blank lines and wrapped one by one.
 */
export function fill(text, { width = 80 } = {}) {
  if (!Number.isInteger(width) || width < 1) throw new RangeError("width must be a positive integer");
  return text
    .split(/\n{2,}/)
    .map((paragraph) => fillParagraph(paragraph, width))
    .join("\n\n");
}

function fillParagraph(paragraph, width) {
  const lines = [];
  let line = "";
  for (const word of paragraph.split(/\s+/).filter(Boolean)) {
    for (const piece of pieces(word, width)) {
      const joined = line === "" ? piece : `${line} ${piece}`;
      if (visibleWidth(joined) < width) {
        line = joined;
      } else {
        lines.push(line);
        line = piece;
      }
    }
  }
  return lines.join("\n");
}

/** A word that is wider than a line is cut; all others stay whole. */
function pieces(word, width) {
  if (visibleWidth(word) <= width) return [word];
  const letters = [...word];
  const cut = [];
  for (let start = 0; start < letters.length; start += width) {
    cut.push(letters.slice(start, start + width).join(""));
  }
  return cut;
}
