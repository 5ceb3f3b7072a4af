import { formatSats, statusWord, type RunStory } from "@openagents/ui";
import { Amount, Badge } from "@openagents/ui/react";
import { Link } from "@tanstack/react-router";

/** In one look: is it right, who says so, what did it cost. */
export function VerdictCard({ story }: { readonly story: RunStory }) {
  const { outcome } = story;
  const spent = story.money.find(({ kind }) => kind === "release");
  const reserved = story.money.find(({ kind }) => kind === "reservation");
  // Until it is released or given back.
  const open =
    spent === undefined &&
    story.finished === undefined &&
    !story.money.some(({ kind }) => kind === "returned");
  const word = outcome?.verdict ?? story.finished ?? "running";
  return (
    <section className="verdict" data-tone={statusWord(word).tone} aria-label="Verdict">
      <div>
        <h2>{headline(story)}</h2>
        <p>{outcome === undefined ? explanation(story) : `${capital(outcome.because)}.`}</p>
        {outcome === undefined ? null : (
          <p className="row" data-spaced>
            <Badge word={outcome.verdict} />
            <Badge word={outcome.assurance} />
            {outcome.receiptId === undefined ? null : (
              <Link to="/receipts/$receiptId" params={{ receiptId: outcome.receiptId }}>
                Check the verdict’s receipt
              </Link>
            )}
          </p>
        )}
      </div>
      <div className="cost">
        <span className="label-text quiet">
          {open ? "Set aside" : story.demoMoney ? "Cost, in demo credit" : "Cost"}
        </span>
        <span className="value">
          <Amount msats={spent?.msats ?? (open ? (reserved?.msats ?? 0n) : 0n)} />
        </span>
        {story.budgetMsats === undefined ? null : (
          <span className="oa-fine">of a budget of {formatSats(story.budgetMsats)}</span>
        )}
      </div>
    </section>
  );
}

function headline({ outcome, finished }: RunStory): string {
  if (finished === "canceled" && outcome === undefined) return "It was canceled";
  switch (outcome?.verdict) {
    case "proven":
      return "The patch is proven to fix it";
    case "needs_review":
      return "A person must look at the patch";
    case "passed_only":
      return "The check passes, but would have passed without the patch";
    case "failed":
      return "The check fails with the patch";
    case undefined:
      return finished === undefined ? "No verdict yet" : "It ended without a verdict";
    default:
      return statusWord(outcome?.verdict ?? "").label;
  }
}

function explanation({ finished, finishedBecause, steps }: RunStory): string {
  const why = finishedBecause === undefined ? "" : `${capital(finishedBecause).replace(/\.$/, "")}. `;
  if (finished !== undefined) return `${why}Nothing was verified, so nobody was paid.`;
  return `Now: ${steps.at(-1)?.title ?? "waiting for its first event"}.`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
