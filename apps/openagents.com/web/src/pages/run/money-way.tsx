import type { MoneyStep, RunStory } from "@openagents/ui";
import { Amount, Empty, Time } from "@openagents/ui/react";
import { Link } from "@tanstack/react-router";
import { Panel } from "../../shell/page.tsx";

const WORDS: Readonly<Record<MoneyStep["kind"], { readonly name: string; readonly means: string }>> = {
  quote: { name: "Quoted", means: "a signed price, valid for a minute" },
  reservation: { name: "Set aside", means: "held in the ledger, nobody has it" },
  release: { name: "Released", means: "after the verdict, and containing its receipt" },
  withheld: { name: "Withheld", means: "the verdict did not allow it" },
  returned: { name: "Given back", means: "what was not needed" },
};

/** The money from quote to release, each step with the receipt that proves it. */
export function MoneyWay({ story }: { readonly story: RunStory }) {
  return (
    <Panel title="The money" aside={story.demoMoney ? <span className="oa-fine">demo credit</span> : null}>
      {story.money.length === 0 ? (
        <Empty title="No money has moved">A quote comes first, then its amount is set aside.</Empty>
      ) : (
        <ol className="money-way">
          {story.money.map((step) => (
            <li key={`${step.kind}:${step.atMs}`}>
              <span>
                <strong>{WORDS[step.kind].name}</strong>{" "}
                <span className="quiet">{WORDS[step.kind].means}</span>
              </span>
              <Amount msats={step.msats} />
              <span className="quiet">
                <Time atMs={step.atMs} />
                {step.parts.length < 2
                  ? null
                  : step.parts.map(({ label, msats }) => (
                      <span key={label}>
                        {" · "}
                        {label} <Amount msats={msats} />
                      </span>
                    ))}
              </span>
              {step.receiptId === undefined ? (
                <span />
              ) : (
                <Link to="/receipts/$receiptId" params={{ receiptId: step.receiptId }}>
                  receipt
                </Link>
              )}
            </li>
          ))}
        </ol>
      )}
    </Panel>
  );
}
