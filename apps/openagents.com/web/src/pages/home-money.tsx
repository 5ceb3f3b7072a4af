import { Budgets, Treasury } from "@openagents/contracts";
import { Amount } from "@openagents/ui/react";
import { client, useRead } from "../api.ts";
import { usePace } from "../live/use-live.ts";
import { Figure } from "../shell/page.tsx";
import { Read } from "../shell/read.tsx";

/** What there is, what is set aside, what was spent of what may be, and what came in. */
export function Money() {
  const pace = usePace();
  const summary = useRead(
    ["treasury", "summary"],
    (signal) => client(Treasury).getComputeSummary({}, { signal }),
    pace,
  );
  const budgets = useRead(
    ["treasury", "budgets"],
    (signal) => client(Budgets).listBudgets({ level: "org", limit: 10 }, { signal }),
    pace,
  );
  const limit = budgets.data?.budgets[0];
  return (
    <Read of={summary} lines={2}>
      {(money) => (
        <div className="figures">
          <Figure label="Available" note="demo credit and deposits">
            <Amount msats={money.availableMsats} />
          </Figure>
          <Figure label="Set aside" note="for work that is not verified yet">
            <Amount msats={money.reservedMsats} />
          </Figure>
          <Figure
            label="Spent"
            note={
              limit === undefined ? (
                "no limit is set for the organisation"
              ) : (
                <>
                  of <Amount msats={limit.limitMsats} /> this{" "}
                  {limit.period === "none" ? "budget" : limit.period}
                </>
              )
            }
          >
            <Amount msats={limit?.spentMsats ?? money.spentMsats} />
          </Figure>
          <Figure label="Earned" note="by your devices, after verification">
            <Amount msats={money.earnedMsats} />
          </Figure>
        </div>
      )}
    </Read>
  );
}
