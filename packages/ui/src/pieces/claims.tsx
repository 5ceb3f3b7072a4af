import type { ReceiptClaim } from "../receipts/examine-receipt.ts";

const MARK = { holds: "✓", fails: "✗", not_checked: "–" } as const;
const SAID = { holds: "holds", fails: "fails", not_checked: "not checked" } as const;

/** What was computed of a receipt, claim by claim. */
export function Claims({ claims }: { readonly claims: readonly ReceiptClaim[] }) {
  return (
    <ul className="oa-claims">
      {claims.map(({ name, state, meaning, detail }) => (
        <li key={name} data-state={state}>
          <span className="oa-mark" aria-hidden="true">
            {MARK[state]}
          </span>
          <strong>{name}</strong>
          <div>
            <p>
              {state === "holds" ? meaning : `${SAID[state]}: ${detail}`}
              <span hidden>{SAID[state]}</span>
            </p>
            {state === "holds" ? <p className="oa-fine">{detail}</p> : null}
          </div>
        </li>
      ))}
    </ul>
  );
}
