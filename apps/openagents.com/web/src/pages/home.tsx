import { Amount, Badge, Command, Empty, Loading, Time } from "@openagents/ui/react";
import { Link } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { useRead } from "../api.ts";
import { usePace } from "../live/use-live.ts";
import { Page, Panel } from "../shell/page.tsx";
import { Read } from "../shell/read.tsx";
import { readRuns } from "./runs-reads.ts";

// What is around the runs comes after the first paint.
const Money = lazy(async () => ({ default: (await import("./home-money.tsx")).Money }));
const NeedsYou = lazy(async () => ({ default: (await import("./home-side.tsx")).NeedsYou }));
const EarningsPlot = lazy(async () => ({ default: (await import("./home-side.tsx")).EarningsPlot }));
const Devices = lazy(async () => ({ default: (await import("./home-side.tsx")).Devices }));

/** What needs you, what runs, what it cost, what it earned. */
export function Home() {
  const pace = usePace();
  const runs = useRead(["runs", "recent"], (signal) => readRuns({ limit: 8 }, signal), pace);
  return (
    <Page title="Home" lead="What needs you, what runs, and what it cost.">
      <Suspense fallback={<div className="figures figures-to-come" />}>
        <Money />
      </Suspense>
      <div className="columns wide-left">
        <div className="stack">
          <Panel title="Recent runs" aside={<Link to="/runs">All runs</Link>}>
            <Read of={runs}>
              {({ runs: rows, summaries }) =>
                rows.length === 0 ? (
                  <Empty title="No runs yet" action={<Command>./openagents demo</Command>}>
                    A run takes an issue to a verified patch. The demo shows one from its start to its
                    receipt.
                  </Empty>
                ) : (
                  <RecentRuns rows={rows} summaries={summaries} />
                )
              }
            </Read>
          </Panel>
          <Suspense fallback={null}>
            <EarningsPlot />
          </Suspense>
        </div>
        <div className="stack">
          <Suspense fallback={<Loading lines={6} />}>
            <NeedsYou summaries={runs.data?.summaries} />
            <Devices />
          </Suspense>
        </div>
      </div>
    </Page>
  );
}

type Rows = Awaited<ReturnType<typeof readRuns>>;

function RecentRuns({
  rows,
  summaries,
}: {
  readonly rows: Rows["runs"];
  readonly summaries: Rows["summaries"];
}) {
  return (
    <div className="oa-scroll" tabIndex={0} role="region" aria-label="Recent runs">
      <table className="oa-table">
        <thead>
          <tr>
            <th scope="col">Run</th>
            <th scope="col">Status</th>
            <th scope="col" className="oa-end">
              Spent
            </th>
            <th scope="col" className="oa-end">
              Started
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((run) => {
            const summary = summaries.get(run.runId);
            return (
              <tr key={run.runId}>
                <td className="oa-wide">
                  <Link to="/runs/$runId" params={{ runId: run.runId }} className="row-link clip">
                    {run.issue?.title ?? "Run without an issue"}
                  </Link>
                </td>
                <td>
                  <Badge word={summary?.verdict ?? run.status} />
                </td>
                <td className="oa-end">
                  {summary === undefined ? "–" : <Amount msats={summary.spentMsats} />}
                </td>
                <td className="oa-end quiet">
                  <Time atMs={run.createdAt} />
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
