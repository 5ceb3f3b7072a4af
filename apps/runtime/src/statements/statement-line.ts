// A line of a provider's statement: what one run came to when its buyer settled. Pure.
//
// STM-1  Each run of a settled job has one line, and a run that was called off has none.
// STM-2  A line's balance is what the account of the earnings holds after it.
// Held by tests/statements.pg.test.ts and the audit.

export type StatementLine = {
  readonly jobId: string;
  /** The provider's organisation. */
  readonly org: string;
  readonly workerId: string;
  readonly quotedMsats: bigint;
  readonly earnedMsats: bigint;
  /** What the buyer paid the operator for this run. */
  readonly operatorFeeMsats: bigint;
  readonly withheldReason: string | undefined;
  readonly balanceMsats: bigint;
};

/** Lines in their order, each with the balance after it, from what the accounts hold after all of them. */
export function withBalances(
  lines: readonly Omit<StatementLine, "balanceMsats">[],
  balanceAfter: (org: string) => bigint,
): StatementLine[] {
  return lines.map((line, index) => {
    const later = lines.slice(index + 1).filter(({ org }) => org === line.org);
    const laterMsats = later.reduce((sum, { earnedMsats }) => sum + earnedMsats, 0n);
    return { ...line, balanceMsats: balanceAfter(line.org) - laterMsats };
  });
}
