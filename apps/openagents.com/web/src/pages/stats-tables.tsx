import type { GetStatsResponse, PartStats } from "@openagents/contracts";
import { formatCount } from "@openagents/ui";
import { Amount, Badge, Empty, Time } from "@openagents/ui/react";
import { Figure, Panel } from "../shell/page.tsx";

/** What is published once a minute, the same for everybody. */
export function StatsTables({ stats }: { readonly stats: GetStatsResponse }) {
  const { market } = stats;
  return (
    <>
      <Panel
        title="The market"
        aside={
          <span className="oa-fine">
            counted <Time atMs={stats.asOf} />
          </span>
        }
      >
        {market === undefined ? (
          <Empty title="Nothing is counted yet">
            The first figures come within a minute of the first start.
          </Empty>
        ) : (
          <div className="figures">
            <Figure label="Jobs paid" note="after a final verdict">
              {formatCount(market.jobsReleased)}
            </Figure>
            <Figure label="Paid out" note="demo credit included">
              <Amount msats={market.releasedMsats} />
            </Figure>
            <Figure label="Withheld" note="the verdict did not allow payment">
              {formatCount(market.jobsWithheld)}
            </Figure>
            <Figure label="Providers online">{formatCount(market.providersOnline)}</Figure>
          </div>
        )}
      </Panel>
      <Part title="Hydra: liquidity and currencies" part={stats.hydra} />
      <Part title="Aegis: warranties" part={stats.aegis} />
    </>
  );
}

function Part({ title, part }: { readonly title: string; readonly part: PartStats }) {
  const running = part.state === "running";
  return (
    <Panel title={title} aside={<Badge word={running ? "running" : "not_running"} />}>
      <Empty title={running ? "No figures yet" : "Not part of this version"}>
        {running ? "They appear here when there are some." : "Its figures will stand here when it runs."}
      </Empty>
    </Panel>
  );
}
