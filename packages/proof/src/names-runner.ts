// Whether a line that a patch adds to source reaches for what judges it.
//
// Source that is tested has no business with the test runner: the code that makes
// a matcher pass, or a report say what it likes, starts by naming one. Words that
// are put together at run time are not seen; what is seen, a person looks at.

const RUNNER =
  /\b(?:vitest|jest|node:test|_?pytest|unittest|pluggy|openagents[-_]report)\b|OPENAGENTS_REPORT|NODE_TEST_CONTEXT|\bexpect\s*[.]\s*extend\b/i;

/** What people read is run by nobody. */
export const PROSE = /[.](?:md|mdx|rst|txt|adoc)$|(?:^|\/)(?:licen[cs]e|notice|authors|changelog|readme)$/i;

/** Of the lines that a diff adds to the file, without their marks. */
export function namesRunner(path: string, addedLines: readonly string[]): boolean {
  return !PROSE.test(path) && addedLines.some((line) => RUNNER.test(line));
}
