// What a reader may believe of a bundle: named claims, each of which holds,
// fails, or was not checked, and says why. Nothing in a bundle can make the
// checking itself fail: whatever goes wrong is a claim that fails.

export type Claim = {
  readonly name: ClaimName;
  readonly state: "holds" | "fails" | "not_checked";
  readonly detail: string;
};

/** In the order in which they are told. */
export type ClaimName =
  | "structure"
  | "manifest"
  | "signer"
  | "files"
  | "receipts"
  | "run_receipt"
  | "replay"
  | "log"
  | "linkage"
  | "base"
  | "patch"
  | "trees"
  | "outputs"
  | "verdict"
  | "second_opinion"
  | "review"
  | "payment"
  /** That the receipts are in the operator's transparency log. */
  | "inclusion"
  /** Only when it was asked for. */
  | "rerun";

/** Throw it inside a check for what could not be looked at; it is told as not checked. */
export class NotChecked extends Error {
  override readonly name = "NotChecked";
}

/** Collects what is wrong while a check looks at everything. */
export type Problems = {
  add(problem: string): void;
  /** Two readings of one fact must agree; an absent one agrees with nothing. */
  same(fact: string, a: Fact, b: Fact): void;
};

type Fact = string | number | undefined;

const PROBLEMS_SHOWN_MAX = 5;
const DETAIL_CHARS_MAX = 1_000;

/** A place for problems, and the list that fills. */
export function collectProblems(): { readonly problems: Problems; readonly found: string[] } {
  const found: string[] = [];
  const problems: Problems = {
    add: (problem) => void found.push(problem),
    same(fact, a, b) {
      if (a !== b || a === undefined || a === "") found.push(`${fact} differs: ${show(a)} and ${show(b)}`);
    },
  };
  return { problems, found };
}

/** Make a claim: `check` reports problems, and answers what holds when there are none. */
export async function claim(
  name: ClaimName,
  check: (problems: Problems) => string | Promise<string>,
): Promise<Claim> {
  const { problems, found } = collectProblems();
  let detail: string;
  try {
    detail = await check(problems);
  } catch (cause) {
    if (cause instanceof NotChecked && found.length === 0)
      return { name, state: "not_checked", detail: cause.message };
    if (!(cause instanceof NotChecked)) found.push(cause instanceof Error ? cause.message : String(cause));
    detail = "";
  }
  if (found.length === 0) return { name, state: "holds", detail: cut(detail) };
  const more = found.length > PROBLEMS_SHOWN_MAX ? `; and ${found.length - PROBLEMS_SHOWN_MAX} more` : "";
  return { name, state: "fails", detail: cut(found.slice(0, PROBLEMS_SHOWN_MAX).join("; ") + more) };
}

function show(value: Fact): string {
  return value === undefined || value === "" ? "nothing" : String(value).slice(0, 80);
}

function cut(text: string): string {
  return text.slice(0, DETAIL_CHARS_MAX);
}
