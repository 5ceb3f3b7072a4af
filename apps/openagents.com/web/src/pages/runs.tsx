import { runStatusValues, type RunStatus } from "@openagents/contracts";
import { statusWord } from "@openagents/ui";
import { Amount, Badge, Command, Empty, Id, Time } from "@openagents/ui/react";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { useRead } from "../api.ts";
import { usePace } from "../live/use-live.ts";
import { Page, Panel } from "../shell/page.tsx";
import { Pager } from "../shell/pager.tsx";
import { Read } from "../shell/read.tsx";
import { readRuns, type RunsRead } from "./runs-reads.ts";

const DemoRunButton = lazy(async () => ({
  default: (await import("./demo-run-button.tsx")).DemoRunButton,
}));

/** Every run of the organisation, newest first. */
export function RunsPage() {
  const { status } = useSearch({ strict: false });
  const chosen = runStatusValues.find((each) => each === status);
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const cursor = cursors.at(-1);
  const runs = useRead(
    ["runs", chosen ?? "all", cursor ?? ""],
    (signal) =>
      readRuns(
        {
          limit: 30,
          ...(chosen === undefined ? {} : { status: chosen }),
          ...(cursor === undefined ? {} : { cursor }),
        },
        signal,
      ),
    usePace(),
  );
  return (
    <Page
      title="Runs"
      lead="Each one from its issue to its receipt. Open one to replay it."
      actions={
        <Suspense fallback={null}>
          <DemoRunButton />
        </Suspense>
      }
    >
      <Filters chosen={chosen} reset={() => setCursors([])} />
      <Panel title={chosen === undefined ? "All runs" : statusWord(chosen).label}>
        <Read of={runs} lines={8}>
          {(page) =>
            page.runs.length === 0 ? (
              <Empty title="No such runs" action={<Command>./openagents run --issue issue.md</Command>}>
                {chosen === undefined
                  ? "Start one in your repository. It appears here as soon as it is opened."
                  : `No run is ${statusWord(chosen).label.toLowerCase()} now.`}
              </Empty>
            ) : (
              <Rows page={page} />
            )
          }
        </Read>
      </Panel>
      <Pager cursors={cursors} nextCursor={runs.data?.nextCursor} go={setCursors} />
    </Page>
  );
}

function Filters({ chosen, reset }: { readonly chosen: RunStatus | undefined; readonly reset: () => void }) {
  const navigate = useNavigate();
  const go = (status: RunStatus | undefined) => {
    reset();
    void navigate({ to: "/runs", search: status === undefined ? {} : { status } });
  };
  return (
    <div className="filters" role="group" aria-label="Status">
      {[undefined, ...runStatusValues].map((status) => (
        <button
          key={status ?? "all"}
          type="button"
          className="filter"
          aria-pressed={status === chosen}
          onClick={() => go(status)}
        >
          {status === undefined ? "All" : statusWord(status).label}
        </button>
      ))}
    </div>
  );
}

function Rows({ page }: { readonly page: RunsRead }) {
  return (
    <div className="oa-scroll" tabIndex={0} role="region" aria-label="Runs">
      <table className="oa-table">
        <thead>
          <tr>
            <th scope="col">Issue</th>
            <th scope="col">Status</th>
            <th scope="col">Verdict</th>
            <th scope="col" className="oa-end">
              Spent
            </th>
            <th scope="col" className="oa-end">
              Budget
            </th>
            <th scope="col">Run</th>
            <th scope="col" className="oa-end">
              Started
            </th>
          </tr>
        </thead>
        <tbody>
          {page.runs.map((run) => {
            const summary = page.summaries.get(run.runId);
            return (
              <tr key={run.runId}>
                <td className="oa-wide">
                  <Link to="/runs/$runId" params={{ runId: run.runId }} className="row-link clip">
                    {run.issue?.title ?? "Run without an issue"}
                  </Link>
                </td>
                <td>
                  <Badge word={run.status} />
                </td>
                <td>
                  {summary?.verdict === undefined ? (
                    <span className="quiet">–</span>
                  ) : (
                    <Badge word={summary.verdict} />
                  )}
                </td>
                <td className="oa-end">
                  {summary === undefined ? "–" : <Amount msats={summary.spentMsats} />}
                </td>
                <td className="oa-end quiet">
                  {summary?.budgetMsats === undefined ? "–" : <Amount msats={summary.budgetMsats} />}
                </td>
                <td>
                  <Id id={run.runId} />
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
