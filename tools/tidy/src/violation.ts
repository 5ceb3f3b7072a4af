export type Violation = {
  readonly rule: string;
  readonly file: string;
  readonly line?: number;
  /** What is wrong and what to do instead, one sentence. */
  readonly problem: string;
};

/** `file:line  rule  problem`: the form that editors and terminals make a link of. */
export function formatViolation(violation: Violation): string {
  const place = violation.line === undefined ? violation.file : `${violation.file}:${violation.line}`;
  return `${place}  [${violation.rule}] ${violation.problem}`;
}
