import { Fraud, Inbox, Workers, type RunSummary } from "@openagents/contracts";
import { formatCount } from "@openagents/ui";
import { Badge, Command, Empty } from "@openagents/ui/react";
import { Link } from "@tanstack/react-router";
import { client, useRead } from "../api.ts";
import { usePace } from "../live/use-live.ts";
import { useSignedIn } from "../session/use-session.ts";
import { Panel } from "../shell/page.tsx";
import { Read } from "../shell/read.tsx";

export function NeedsYou({ summaries }: { readonly summaries: ReadonlyMap<string, RunSummary> | undefined }) {
  const { scopes } = useSignedIn();
  const incidents = useRead(
    ["incidents"],
    (signal) => client(Fraud).listIncidents({ limit: 20 }, { signal }),
    {
      everyMs: 30_000,
      enabled: scopes.has("fraud:read"),
    },
  );
  const approvals = useRead(
    ["approvals", "pending"],
    (signal) => client(Inbox).listApprovals({ status: "pending", limit: 50 }, { signal }),
    usePace(),
  );
  const asked = approvals.data?.approvals ?? [];
  const reviews = [...(summaries?.values() ?? [])].filter((summary) => summary.waitsForReview);
  const open = (incidents.data?.incidents ?? []).filter(({ status }) => status !== "decided");
  return (
    <Panel title="Needs you" aside={<Link to="/inbox">Inbox</Link>}>
      {asked.length + reviews.length + open.length === 0 ? (
        <Empty title="Nothing waits for you">Approvals, reviews and disputes appear here.</Empty>
      ) : (
        <ul className="money-way">
          {asked.map((approval) => (
            <li key={approval.approvalId}>
              <Link to="/inbox">{approval.title}</Link>
              <Badge word={approval.status} />
            </li>
          ))}
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

export function Devices() {
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
