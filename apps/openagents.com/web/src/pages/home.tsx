import { Budgets, Fraud, Treasury, Workers, type RunSummary } from "@openagents/contracts";
import { formatCount } from "@openagents/ui";
import { Amount, Badge, Command, Empty, Time } from "@openagents/ui/react";
import { Link } from "@tanstack/react-router";
import { useCallback } from "react";
import { client, queries, useRead } from "../api.ts";
import { usePace, useStream } from "../live/use-live.ts";
import { useSignedIn } from "../session/use-session.ts";
import { Figure, Page, Panel } from "../shell/page.tsx";
import { Read } from "../shell/read.tsx";
import { readRuns } from "./runs-reads.ts";

/** What needs you, what runs, what it cost, what it earned. */
export function Home() {
  const { org } = useSignedIn();
  const pace = usePace();
  useStream(
    org === "" ? undefined : `runtime.treasury.org.${org}`,
    useCallback(() => void queries.invalidateQueries({ queryKey: ["treasury"] }), []),
  );
  const runs = useRead(["runs", "recent"], (signal) => readRuns({ limit: 8 }, signal), pace);
  return (
    <Page title="Home" lead="What needs you, what runs, and what it cost.">
      <Money />
      <div className="columns wide-left">
        <Panel title="Recent runs" aside={<Link to="/runs">All runs</Link>}>
          <Read of={runs}>
            {({ runs: rows, summaries }) =>
              rows.length === 0 ? (
                <Empty title="No runs yet" action={<Command>./openagents demo</Command>}>
                  A run takes an issue to a verified patch. The demo shows one from its start to its receipt.
                </Empty>
              ) : (
                <RecentRuns rows={rows} summaries={summaries} />
              )
            }
          </Read>
        </Panel>
        <div className="stack">
          <NeedsYou summaries={runs.data?.summaries} />
          <Devices />
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

function Money() {
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

function NeedsYou({ summaries }: { readonly summaries: ReadonlyMap<string, RunSummary> | undefined }) {
  const { scopes } = useSignedIn();
  const incidents = useRead(
    ["incidents"],
    (signal) => client(Fraud).listIncidents({ limit: 20 }, { signal }),
    {
      everyMs: 30_000,
      enabled: scopes.has("fraud:read"),
    },
  );
  const reviews = [...(summaries?.values() ?? [])].filter((summary) => summary.waitsForReview);
  const open = (incidents.data?.incidents ?? []).filter(({ status }) => status !== "decided");
  return (
    <Panel title="Needs you">
      {reviews.length + open.length === 0 ? (
        <Empty title="Nothing waits for you">Approvals, reviews and disputes appear here.</Empty>
      ) : (
        <ul className="money-way">
          {reviews.map((summary) => (
            <li key={summary.runId}>
              <Link to="/runs/$runId" params={{ runId: summary.runId }}>
                A patch waits for your review
              </Link>
              <Badge word="needs_review" />
            </li>
          ))}
          {open.map((incident) => (
            <li key={incident.incidentId}>
              <Link to="/runs/$runId" params={{ runId: incident.runId }}>
                {incident.detail}
              </Link>
              <Badge word={incident.status} />
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

function Devices() {
  const workers = useRead(
    ["workers"],
    (signal) => client(Workers).listWorkers({ limit: 50 }, { signal }),
    usePace(),
  );
  return (
    <Panel title="Your devices" aside={<Link to="/fleet">Fleet</Link>}>
      <Read of={workers} lines={2}>
        {({ workers: all }) => {
          const online = all.filter(({ status, liveness }) => status === "running" && liveness === "fresh");
          return all.length === 0 ? (
            <Empty title="No device sells yet" action={<Command>./openagents provider start</Command>}>
              A device of yours runs checks in a sandbox, for you and, if you want, for others.
            </Empty>
          ) : (
            <div className="oa-body">
              <strong>{formatCount(online.length)}</strong> of {formatCount(all.length)} online
            </div>
          );
        }}
      </Read>
    </Panel>
  );
}
