import { Fraud, Marketplace, Workers } from "@openagents/contracts";
import { formatCount, sentence } from "@openagents/ui";
import { Badge, Empty, Id, Time } from "@openagents/ui/react";
import { Link } from "@tanstack/react-router";
import { client, useRead } from "../api.ts";
import { queries } from "../queries.ts";
import { CommandButton } from "../shell/command-button.tsx";
import { Panel } from "../shell/page.tsx";
import { Read } from "../shell/read.tsx";

const marketChanged = () => void queries.invalidateQueries({ queryKey: ["market"] });

export function Quarantine() {
  const providers = useRead(
    ["market", "providers", "all"],
    (signal) => client(Marketplace).listProviders({}, { signal }),
    { everyMs: 15_000 },
  );
  return (
    <Panel title="Quarantine">
      <Read of={providers}>
        {({ providers: all }) => {
          const held = all.filter(({ quarantined, strikes }) => quarantined || strikes > 0);
          return held.length === 0 ? (
            <Empty title="Nobody is in quarantine">
              Three strikes for work that was shown to be wrong put a provider here.
            </Empty>
          ) : (
            <ul className="money-way">
              {held.map((worker) => (
                <li key={worker.workerId}>
                  <span>
                    {worker.displayName} <Id id={worker.workerId} />{" "}
                    <span className="quiet">{formatCount(worker.strikes)} strikes</span>
                  </span>
                  <CommandButton
                    label="Reinstate"
                    title={`Reinstate ${worker.displayName}?`}
                    explanation="Its strikes are taken back, and it may be given work again."
                    ask="Why, for the receipt"
                    confirm="Reinstate it"
                    disabledBecause={worker.quarantined ? undefined : "It is not in quarantine."}
                    run={(reason, idempotencyKey) =>
                      client(Workers).reinstateWorker(
                        { workerId: worker.workerId, reason },
                        { idempotencyKey },
                      )
                    }
                    done={marketChanged}
                  />
                </li>
              ))}
            </ul>
          );
        }}
      </Read>
    </Panel>
  );
}

export function Incidents() {
  const incidents = useRead(
    ["incidents"],
    (signal) => client(Fraud).listIncidents({ limit: 50 }, { signal }),
    { everyMs: 10_000 },
  );
  return (
    <Panel title="Fraud incidents">
      <Read of={incidents}>
        {({ incidents: all }) =>
          all.length === 0 ? (
            <Empty title="No incidents">
              Two runs of one job that differ, a broken rule, or a dispute open one.
            </Empty>
          ) : (
            <div className="oa-scroll" tabIndex={0} role="region" aria-label="Fraud incidents">
              <table className="oa-table">
                <thead>
                  <tr>
                    <th scope="col">What</th>
                    <th scope="col">Kind</th>
                    <th scope="col">Status</th>
                    <th scope="col">Outcome</th>
                    <th scope="col" className="oa-end">
                      Opened
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {all.map((incident) => (
                    <tr key={incident.incidentId}>
                      <td className="oa-wide">
                        <Link className="row-link" to="/runs/$runId" params={{ runId: incident.runId }}>
                          {incident.detail}
                        </Link>
                      </td>
                      <td>{sentence(incident.kind)}</td>
                      <td>
                        <Badge word={incident.status} />
                      </td>
                      <td>{incident.outcome === undefined ? "–" : sentence(incident.outcome)}</td>
                      <td className="oa-end quiet">
                        <Time atMs={incident.openedAt} />
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
