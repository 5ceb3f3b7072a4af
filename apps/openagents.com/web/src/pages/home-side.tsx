import { Fraud, Inbox, Statements, type RunSummary } from "@openagents/contracts";
import { formatCount } from "@openagents/ui";
import { Badge, Command, Empty, Plot, Time } from "@openagents/ui/react";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { client, useRead } from "../api.ts";
import { usePace } from "../live/use-live.ts";
import { useSignedIn } from "../session/use-session.ts";
import { Panel } from "../shell/page.tsx";
import { Read } from "../shell/read.tsx";
import { useDevices } from "./devices-reads.ts";
import { earningsOf } from "./earnings.ts";

const DEVICES_SHOWN = 4;

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

/** Which of the reader's devices are there now. */
export function Devices() {
  const devices = useDevices();
  return (
    <Panel title="Your devices" aside={<Link to="/fleet">Fleet</Link>}>
      <Read of={devices} lines={2}>
        {(all) => {
          const usable = all.filter(({ device }) => device.status === "enrolled");
          const connected = usable.filter((seen) => seen.connected);
          return usable.length === 0 ? (
            <Empty title="No device yet" action={<Command>./openagents device run</Command>}>
              An agent works on a computer of yours. This makes the one that you run it on a device of yours.
            </Empty>
          ) : (
            <>
              <div className="oa-body">
                <strong>{formatCount(connected.length)}</strong> of {formatCount(usable.length)} connected
              </div>
              <ul className="money-way">
                {usable.slice(0, DEVICES_SHOWN).map(({ device, connected: there, lastSeenAt }) => (
                  <li key={device.deviceId}>
                    <span>
                      {device.name}{" "}
                      {there || lastSeenAt === undefined ? null : (
                        <span className="quiet">
                          seen <Time atMs={lastSeenAt} />
                        </span>
                      )}
                    </span>
                    <Badge word={there ? "connected" : "not_connected"} />
                  </li>
                ))}
              </ul>
            </>
          );
        }}
      </Read>
    </Panel>
  );
}

/** What the devices earned, job by job, added up. Nothing is shown to whoever has earned nothing. */
export function EarningsPlot() {
  const { scopes } = useSignedIn();
  const statement = useRead(
    ["earnings", "plot"],
    (signal) => client(Statements).getProviderStatement({ limit: 200 }, { signal }),
    { enabled: scopes.has("earnings:read"), everyMs: 30_000 },
  );
  const lines = statement.data?.lines;
  const { along, series } = useMemo(() => earningsOf(lines ?? []), [lines]);
  if (along.length === 0) return null;
  return (
    <Panel title="Earned by your devices" aside={<Link to="/fleet">Statement</Link>}>
      <div className="oa-body">
        <Plot label="Earnings over time, in sats" along={along} series={series} stepped height={160} />
        <p className="oa-fine">Sats, added up; each step is a job whose verdict became final.</p>
      </div>
    </Panel>
  );
}
