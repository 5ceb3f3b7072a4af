// What was checked, as a table and an exit code.

import { EXIT } from "./cli-error.ts";
import { inSats, printable, renderTable, type Style } from "./terminal/index.ts";

export type Claim = {
  readonly name: string;
  readonly state: "holds" | "fails" | "not_checked";
  readonly detail: string;
};

/** A claim of this name says whose signature it is; unpinned, nothing else means much. */
const SIGNER = "signer";
/** There only when it was asked for, and then it has to be checked. */
const RERUN = "rerun";

/** 1 when a claim fails; 2 when none does, but what was asked was not checked; else 0. */
export function claimsExitCode(claims: readonly Claim[]): number {
  if (claims.length === 0 || claims.some((claim) => claim.state === "fails")) return EXIT.failed;
  return unchecked(claims) === undefined ? EXIT.ok : EXIT.undecided;
}

/** What had to be checked and was not. */
function unchecked(claims: readonly Claim[]): "signer" | "rerun" | undefined {
  if (!claims.some(({ name, state }) => name === SIGNER && state === "holds")) return SIGNER;
  return claims.some(({ name, state }) => name === RERUN && state !== "holds") ? RERUN : undefined;
}

export function claimTable(claims: readonly Claim[], style: Style): string[] {
  const words = {
    holds: style.green("✓ holds"),
    fails: style.red("✗ fails"),
    not_checked: style.yellow("– not checked"),
  };
  const rows = claims.map((claim) => [
    words[claim.state],
    claim.name.replaceAll("_", " "),
    style.dim(inSats(printable(claim.detail))),
  ]);
  return renderTable([{ title: "" }, { title: "claim" }, { title: "detail" }], rows, style);
}

const UNCHECKED_WORDS = {
  signer: "the signer is not one that you pinned: name it with --operator",
  rerun: "the check was not run again: the table says why",
};

export function verdictLine(claims: readonly Claim[], style: Style): string {
  const count = (state: Claim["state"]) => claims.filter((claim) => claim.state === state).length;
  const counts = style.dim(
    `${count("holds")} hold, ${count("fails")} fail, ${count("not_checked")} not checked`,
  );
  switch (claimsExitCode(claims)) {
    case EXIT.ok:
      return `${style.green("✓")} everything that was checked holds  ${counts}`;
    case EXIT.undecided:
      return `${style.yellow("–")} nothing fails, but ${UNCHECKED_WORDS[unchecked(claims) ?? SIGNER]}  ${counts}`;
    default:
      return `${style.red("✗")} not to be trusted  ${counts}`;
  }
}
