import { Jobs, Statements, Workers, type Worker } from "@openagents/contracts";
import { formatCount, sentence, statusWord } from "@openagents/ui";
import { Amount, Badge, Command, Empty, Id, Time } from "@openagents/ui/react";
import { useCallback, useState } from "react";
import { client, useRead } from "../api.ts";
import { queries } from "../queries.ts";
import { usePace, useStream } from "../live/use-live.ts";
import { useSignedIn } from "../session/use-session.ts";
import { CommandButton } from "../shell/command-button.tsx";
import { Figure, Page, Panel } from "../shell/page.tsx";
import { useDevices } from "./devices-reads.ts";
import { stateOf } from "./worker-state.ts";
import { DevicesTab } from "./settings/devices-tab.tsx";
import { Read } from "../shell/read.tsx";

const again = () => void queries.invalidateQueries({ queryKey: ["workers"] });

/** Devices of yours that execute: whether they are there, what they may use, what they earned. */
export function FleetPage() {
  const { userId } = useSignedIn();
  useStream(userId === "" ? undefined : `runtime.fleet.user.${userId}.workers`, useCallback(again, []));
  const workers = useRead(
    ["workers"],
    (signal) => client(Workers).listWorkers({ limit: 100 }, { signal }),
    usePace(15_000),
  );
  return (
    <Page
      title="Fleet"
      lead="Your devices. One click takes one out: what it works on is canceled, and it is given nothing more."
    >
      <Figures workers={workers.data?.workers ?? []} />
      <DevicesTab />
      <Read of={workers} lines={6}>
        {({ workers: all }) =>
          all.length === 0 ? (
            <Panel title="Devices that sell">
              <Empty title="No device sells yet" action={<Command>./openagents provider start</Command>}>
                Run this on a computer of yours. It registers itself, says what it may use at most, and
                appears here.
              </Empty>
            </Panel>
          ) : (
            all.map((worker) => <WorkerPanel key={worker.workerId} worker={worker} />)
          )
        }
      </Read>
      <Earnings />
    </Page>
  );
}

function Figures({ workers }: { readonly workers: readonly Worker[] }) {
  const devices = useDevices().data?.filter(({ device }) => device.status === "enrolled");
  const selling = workers.filter((worker) => stateOf(worker) === "fresh").length;
  const strikes = workers.reduce((sum, worker) => sum + worker.strikes, 0);
  return (
    <div className="figures">
      <Figure label="Connected now" note="devices that take your work">
        {devices === undefined
          ? "–"
          : `${formatCount(devices.filter(({ connected }) => connected).length)} of ${formatCount(devices.length)}`}
      </Figure>
      <Figure label="Selling now" note="devices that run checks">
        {`${formatCount(selling)} of ${formatCount(workers.length)}`}
      </Figure>
      <Figure label="Jobs at once, at most">
        {formatCount(workers.reduce((sum, { caps }) => sum + caps.concurrentJobsMax, 0))}
      </Figure>
      <Figure
        label="Strikes"
        note={strikes === 0 ? "nothing held against you" : "three put a device in quarantine"}
      >
        {formatCount(strikes)}
      </Figure>
    </div>
  );
}

function WorkerPanel({ worker }: { readonly worker: Worker }) {
  const { scopes } = useSignedIn();
  const [open, setOpen] = useState(false);
  const because =
    worker.status === "disabled"
      ? "It is disabled already."
      : scopes.has("workers:write")
        ? undefined
        : "You may read workers, and not change them.";
  return (
    <Panel
      title={worker.displayName}
      aside={
        <span className="row">
          <Badge word={stateOf(worker)} />
          <CommandButton
            label="Disable"
            title={`Disable ${worker.displayName}?`}
            explanation="It is given no more work from this moment. Work that it holds is called off or given to another provider, with the money for it given back."
            ask="Why, for the receipt"
            confirm="Disable it now"
            danger
            disabledBecause={because}
            run={(reason, idempotencyKey) =>
              client(Workers).disableWorker({ workerId: worker.workerId, reason }, { idempotencyKey })
            }
            done={again}
          />
        </span>
      }
    >
      <div className="oa-body columns">
        <dl className="oa-facts">
          <dt>Worker</dt>
          <dd>
            <Id id={worker.workerId} />
          </dd>
          <dt>Heard from</dt>
          <dd>
            <Time atMs={worker.lastHeartbeatAt} />
          </dd>
          <dt>Price</dt>
          <dd>
            <Amount msats={worker.priceMsats} /> for a verified job
          </dd>
          <dt>Strikes</dt>
          <dd>{formatCount(worker.strikes)}</dd>
        </dl>
        <dl className="oa-facts">
          <dt>Does</dt>
          <dd>{worker.capabilities.map((name) => sentence(name.split(".")[1] ?? name)).join(", ")}</dd>
          <dt>At most</dt>
          <dd>
            {formatCount(worker.caps.memoryMibMax)} MiB memory, {formatCount(worker.caps.diskMibMax)} MiB
            disk, {worker.caps.concurrentJobsMax} at once
          </dd>
          <dt>Tools</dt>
          <dd>
            {worker.toolchains.map(({ name, version }) => `${name} ${version}`).join(", ") || "none declared"}
          </dd>
          <dt>Trust zone</dt>
          <dd>
            {worker.zoneTenths === 0
              ? "operator"
              : worker.zoneTenths === 5
                ? "your own device"
                : "everyone else"}
          </dd>
        </dl>
      </div>
      <details className="oa-body" onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>Jobs of this device</summary>
        {open ? <WorkerJobs workerId={worker.workerId} /> : null}
      </details>
    </Panel>
  );
}

function WorkerJobs({ workerId }: { readonly workerId: string }) {
  const jobs = useRead(
    ["workers", workerId, "jobs"],
    (signal) => client(Jobs).listWorkerJobs({ workerId, limit: 30 }, { signal }),
    usePace(),
  );
  return (
    <Read of={jobs}>
      {(page) =>
        page.jobs.length === 0 ? (
          <Empty title="No jobs yet">It is asked when a quote of its kind is the best one.</Empty>
        ) : (
          <div className="oa-scroll" tabIndex={0} role="region" aria-label="Jobs">
            <table className="oa-table">
              <thead>
                <tr>
                  <th scope="col">Job</th>
                  <th scope="col">Status</th>
                  <th scope="col">Verdict</th>
                  <th scope="col" className="oa-end">
                    Paid
                  </th>
                  <th scope="col" className="oa-end">
                    Ordered
                  </th>
                </tr>
              </thead>
              <tbody>
                {page.jobs.map((job) => (
                  <tr key={job.jobId}>
                    <td>
                      <Id id={job.jobId} />
                    </td>
                    <td>
                      <Badge word={job.status} />
                    </td>
                    <td>{job.verdict === undefined ? "–" : statusWord(job.verdict).label}</td>
                    <td className="oa-end" title={job.unpaidBecause ?? job.withheldReason}>
                      <Amount msats={job.paidMsats} />
                    </td>
                    <td className="oa-end quiet">
                      <Time atMs={job.createdAt} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )
      }
    </Read>
  );
}

function Earnings() {
  const { scopes } = useSignedIn();
  const enabled = scopes.has("earnings:read");
  const statement = useRead(
    ["earnings"],
    (signal) => client(Statements).getProviderStatement({ limit: 30 }, { signal }),
    { enabled, everyMs: 30_000 },
  );
  if (!enabled) return null;
  return (
    <Panel title="Earnings">
      <Read of={statement}>
        {({ lines }) =>
          lines.length === 0 ? (
            <Empty title="Nothing earned yet">
              A job pays when its verdict is final, and its line appears here with the reason where it did
              not.
            </Empty>
          ) : (
            <div className="oa-scroll" tabIndex={0} role="region" aria-label="Earnings">
              <table className="oa-table">
                <thead>
                  <tr>
                    <th scope="col">Job</th>
                    <th scope="col">For</th>
                    <th scope="col" className="oa-end">
                      Quoted
                    </th>
                    <th scope="col" className="oa-end">
                      Earned
                    </th>
                    <th scope="col" className="oa-end">
                      Balance
                    </th>
                    <th scope="col" className="oa-end">
                      Booked
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {lines.map((line) => (
                    <tr key={`${line.jobId}:${line.bookedAt}`}>
                      <td>
                        <Id id={line.jobId} />
                      </td>
                      <td>{sentence(line.purpose)}</td>
                      <td className="oa-end quiet">
                        <Amount msats={line.quotedMsats} />
                      </td>
                      <td className="oa-end" title={line.withheldReason}>
                        <Amount msats={line.earnedMsats} />
                      </td>
                      <td className="oa-end">
                        <Amount msats={line.balanceMsats} />
                      </td>
                      <td className="oa-end quiet">
                        <Time atMs={line.bookedAt} />
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
