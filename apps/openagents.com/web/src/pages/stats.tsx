import { PublicStats, TransparencyLog } from "@openagents/contracts";
import { formatCount } from "@openagents/ui";
import { Command } from "@openagents/ui/react";
import { Link } from "@tanstack/react-router";
import { useEffect } from "react";
import { client, useRead } from "../api.ts";
import { useSession } from "../session/use-session.ts";
import { Figure, Panel } from "../shell/page.tsx";
import { Read } from "../shell/read.tsx";
import { Brand } from "../shell/brand.tsx";
import { StatsTables } from "./stats-tables.tsx";

/** Statistics for everybody, the same for all who look. */
export function StatsPage() {
  const signedIn = useSession().kind === "signed_in";
  useEffect(() => {
    document.title = "Stats · OpenAgents";
  }, []);
  const stats = useRead(["public-stats"], (signal) => client(PublicStats).getStats({}, { signal }), {
    everyMs: 60_000,
  });
  const log = useRead(["log"], (signal) => client(TransparencyLog).getLog({}, { signal }), {
    everyMs: 15_000,
  });
  return (
    <div className="front">
      <header className="front-head">
        <Brand to="/" />
        <nav aria-label="Site">
          <Link to={signedIn ? "/home" : "/sign-in"}>{signedIn ? "Open the console" : "Sign in"}</Link>
        </nav>
      </header>
      <main className="page">
        <div className="page-head">
          <div>
            <h1>Stats</h1>
            <p>Counted once a minute; everybody sees the same figures.</p>
          </div>
        </div>
        <Read of={stats}>{(published) => <StatsTables stats={published} />}</Read>
        <Panel title="The public log">
          <Read of={log} lines={2}>
            {(head) => (
              <div className="stack">
                <div className="figures">
                  <Figure label="Receipts">{formatCount(head.size)}</Figure>
                  <Figure label="Origin">
                    <span className="oa-mono">{head.origin}</span>
                  </Figure>
                </div>
                <div className="oa-body stack">
                  <p className="quiet">
                    The key that its checkpoints are signed with. Pin it, and nobody can show you another log.
                  </p>
                  <Command>{head.logKey}</Command>
                </div>
              </div>
            )}
          </Read>
        </Panel>
      </main>
    </div>
  );
}
