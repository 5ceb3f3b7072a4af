/** Put `prefix` before every line that is not blank. */
export function indent(text, prefix) {
  return text
    .split("\n")
    .map((line) => (line === "" ? line : prefix + line))
    .join("\n");
}
