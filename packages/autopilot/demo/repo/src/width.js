// Escape sequences that set colours take no room on the screen.
const ESCAPE = String.fromCharCode(27);
const COLOUR = new RegExp(`${ESCAPE}\\[[0-9;]*m`, "g");

/** How many columns a text takes. */
export function visibleWidth(text) {
  return [...text.replace(COLOUR, "")].length;
}
