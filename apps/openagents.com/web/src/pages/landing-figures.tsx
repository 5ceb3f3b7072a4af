import { PublicStats, TransparencyLog } from "@openagents/contracts";
import { formatCount } from "@openagents/ui";
import { Amount } from "@openagents/ui/react";
import { client, useRead } from "../api.ts";
import { Figure } from "../shell/page.tsx";

/** Public figures of this installation: what anybody could count. */
export function LandingFigures() {
  const log = useRead(["log"], (signal) => client(TransparencyLog).getLog({}, { signal }), {
    everyMs: 15_000,
  });
  const stats = useRead(["public-stats"], (signal) => client(PublicStats).getStats({}, { signal }), {
    everyMs: 60_000,
  });
  const market = stats.data?.market;
  return (
    <div className="figures">
      <Figure label="Jobs paid" note="each after a final verdict">
        {market === undefined ? "–" : formatCount(market.jobsReleased)}
      </Figure>
      <Figure label="Paid out" note="demo credit included">
        {market === undefined ? "–" : <Amount msats={market.releasedMsats} />}
      </Figure>
      <Figure label="Providers online" note="they run checks in a sandbox">
        {market === undefined ? "–" : formatCount(market.providersOnline)}
      </Figure>
      <Figure label="Receipts in the public log" note="each one signed, none can be taken back">
        {log.data === undefined ? "–" : formatCount(log.data.size)}
      </Figure>
    </div>
  );
}
