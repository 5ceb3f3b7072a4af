import { TransparencyLog } from "@openagents/contracts";
import { formatCount } from "@openagents/ui";
import { client, useRead } from "../api.ts";
import { Figure } from "../shell/page.tsx";

/** Public figures of this installation, from its log: what anybody could count. */
export function LandingFigures() {
  const log = useRead(["log"], (signal) => client(TransparencyLog).getLog({}, { signal }), {
    everyMs: 15_000,
  });
  return (
    <div className="figures">
      <Figure label="Receipts in the public log" note="each one signed, none can be taken back">
        {log.data === undefined ? "–" : formatCount(log.data.size)}
      </Figure>
      <Figure label="Log" note="the name that checkpoints are signed with">
        <span className="oa-mono">{log.data?.origin ?? "–"}</span>
      </Figure>
    </div>
  );
}
