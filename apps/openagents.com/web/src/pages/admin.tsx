import { AuditLog, Operations, Streams } from "@openagents/contracts";
import { formatCount, sentence } from "@openagents/ui";
import { Badge, Empty, Id, Loading, Time } from "@openagents/ui/react";
import { Link } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { client, useRead } from "../api.ts";
import { MaintenancePanel } from "./admin-maintenance.tsx";
import { queries } from "../queries.ts";
import { useSignedIn } from "../session/use-session.ts";
import { CommandButton } from "../shell/command-button.tsx";
import { Page, Panel } from "../shell/page.tsx";
import { Read } from "../shell/read.tsx";

// What is below the fold comes after the first paint.
const Quarantine = lazy(async () => ({ default: (await import("./admin-market.tsx")).Quarantine }));
const Incidents = lazy(async () => ({ default: (await import("./admin-market.tsx")).Incidents }));
const Reconcile = lazy(async () => ({ default: (await import("./admin-reconcile.tsx")).Reconcile }));

/** For people who operate this installation: stop it, look into it, and see who did what. */
export function AdminPage() {
  const { scopes } = useSignedIn();
  if (!scopes.has("admin")) {
    return (
      <Page title="Admin">
        <Panel title="Not for you">
          <Empty title="Only people who operate this installation can look here">
            Operators are named in the configuration of the control service, by their e-mail address.
          </Empty>
        </Panel>
      </Page>
    );
  }
  return (
    <Page title="Admin" lead="Every command here is receipted, and says who gave it.">
      <AuthorityMode />
      <MaintenancePanel />
      <div className="columns">
        <Books />
        <SyncLane />
      </div>
      <Suspense fallback={<Loading lines={8} />}>
        <Quarantine />
        <Incidents />
        <Reconcile />
      </Suspense>
      <Audit />
    </Page>
  );
}

const again = (key: string) => () => void queries.invalidateQueries({ queryKey: [key] });

function AuthorityMode() {
  const mode = useRead(["authority-mode"], (signal) => client(Operations).getAuthorityMode({}, { signal }), {
    everyMs: 5_000,
  });
  return (
    <Panel title="Authority mode">
      <Read of={mode} lines={2}>
        {(now) => {
          const frozen = now.mode === "read_only";
          return (
            <div className="oa-body row">
              <Badge word={now.mode} />
              <span className="quiet">
                {now.changedAt === undefined ? (
                  "It has never been changed."
                ) : (
                  <>
                    since <Time atMs={now.changedAt} />
                    {now.reason === "" ? "" : `: ${now.reason}`}
                  </>
                )}
              </span>
              {now.receiptId === undefined ? null : (
                <Link to="/receipts/$receiptId" params={{ receiptId: now.receiptId }}>
                  receipt
                </Link>
              )}
              <CommandButton
                label={frozen ? "End the freeze" : "Freeze all writes"}
                title={frozen ? "End the freeze?" : "Freeze all writes?"}
                explanation={
                  frozen
                    ? "Commands are taken again at once."
                    : "Every command is refused with 503 until the freeze ends. Reading goes on, and so do outcomes of what was begun."
                }
                ask="Why, for the receipt"
                confirm={frozen ? "End the freeze" : "Freeze now"}
                danger={!frozen}
                run={(reason, idempotencyKey) =>
                  client(Operations).setAuthorityMode(
                    { mode: frozen ? "active" : "read_only", reason },
                    { idempotencyKey },
                  )
                }
                done={again("authority-mode")}
              />
            </div>
          );
        }}
      </Read>
    </Panel>
  );
}

function Books() {
  const audit = useRead(["ledger-audit"], (signal) => client(Operations).auditLedger({}, { signal }), {
    everyMs: 60_000,
  });
  return (
    <Panel
      title="The books"
      aside={audit.data === undefined ? null : <Badge word={audit.data.ok ? "holds" : "failed"} />}
    >
      <Read of={audit}>
        {({ checks, transfers, accounts }) => (
          <ul className="money-way">
            <li className="quiet">
              {formatCount(transfers)} transfers over {formatCount(accounts)} accounts
            </li>
            {checks.map((check) => (
              <li key={check.name} title={check.detail}>
                <span>{sentence(check.name)}</span>
                <Badge word={check.ok ? "holds" : "failed"} />
              </li>
            ))}
          </ul>
        )}
      </Read>
    </Panel>
  );
}

function SyncLane() {
  const metrics = useRead(["sync-metrics"], (signal) => client(Streams).getSyncMetrics({}, { signal }), {
    everyMs: 10_000,
  });
  return (
    <Panel title="Sync lane">
      <Read of={metrics}>
        {({ servers }) => (
          <ul className="money-way">
            {servers.map((server) => (
              <li key={server.url}>
                <span>
                  <span className="oa-mono">{server.url}</span>{" "}
                  <span className="quiet">
                    {formatCount(server.sessions ?? 0n)} sessions,{" "}
                    {formatCount(server.eventsDeliveredTotal ?? 0n)} events delivered, lag{" "}
                    {formatCount(server.lagEventsMax ?? 0n)}
                  </span>
                </span>
                <Badge word={server.reachable ? "fresh" : "stale"} />
              </li>
            ))}
          </ul>
        )}
      </Read>
    </Panel>
  );
}

function Audit() {
  const entries = useRead(
    ["audit"],
    (signal) => client(AuditLog).listAuditEntries({ limit: 50 }, { signal }),
    {
      everyMs: 15_000,
    },
  );
  return (
    <Panel title="Who did what">
      <Read of={entries}>
        {({ entries: all }) =>
          all.length === 0 ? (
            <Empty title="Nothing is written down yet">
              Changes of identities, rights and settings appear here.
            </Empty>
          ) : (
            <div className="oa-scroll" tabIndex={0} role="region" aria-label="Who did what">
              <table className="oa-table">
                <thead>
                  <tr>
                    <th scope="col">What</th>
                    <th scope="col">To</th>
                    <th scope="col">By</th>
                    <th scope="col">Receipt</th>
                    <th scope="col" className="oa-end">
                      When
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {all.map((entry) => (
                    <tr key={entry.entryId}>
                      <td>{sentence(entry.action)}</td>
                      <td>
                        <Id id={entry.subject} />
                      </td>
                      <td>
                        <Id id={entry.actor} />
                        {entry.actingFor === undefined ? null : (
                          <>
                            {" "}
                            for <Id id={entry.actingFor} />
                          </>
                        )}
                      </td>
                      <td className="oa-mono quiet">{entry.receiptId ?? "–"}</td>
                      <td className="oa-end quiet">
                        <Time atMs={entry.occurredAt} />
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Read>
    </Panel>
  );
}
