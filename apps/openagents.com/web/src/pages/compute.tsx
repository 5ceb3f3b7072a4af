import {
  Marketplace,
  type ListProvidersResponse,
  type ProviderRecord,
  type Worker,
} from "@openagents/contracts";
import { formatCount, formatDuration, sentence } from "@openagents/ui";
import { Amount, Badge, Command, Empty, Id, Loading, Plot } from "@openagents/ui/react";
import { lazy, Suspense, useMemo, useState } from "react";
import { client, useRead } from "../api.ts";
import { usePace } from "../live/use-live.ts";
import { Figure, Page, Panel } from "../shell/page.tsx";
import { Read } from "../shell/read.tsx";
import { depthOf } from "./market-depth.ts";
import { stateOf } from "./worker-state.ts";

const QuotesPanel = lazy(async () => ({ default: (await import("./compute-quotes.tsx")).QuotesPanel }));

/** The market of verified compute: what can be bought, from whom, at what price, and how it went. */
export function ComputePage() {
  const [capability, setCapability] = useState("oa.sandbox_run.v1");
  const types = useRead(["market", "types"], (signal) => client(Marketplace).listJobTypes({}, { signal }));
  const providers = useRead(
    ["market", "providers", capability],
    (signal) => client(Marketplace).listProviders({ capability }, { signal }),
    usePace(15_000, 5_000),
  );
  return (
    <Page
      title="Compute"
      lead="What can be bought, from whom, and at what price. Nobody is paid before the work is verified."
    >
      <div className="filters" role="group" aria-label="Job type">
        {(types.data?.jobTypes ?? []).map(({ jobType }) => (
          <button
            key={jobType}
            type="button"
            className="filter"
            aria-pressed={jobType === capability}
            onClick={() => setCapability(jobType)}
          >
            {sentence(jobType.split(".")[1] ?? jobType)}
          </button>
        ))}
      </div>
      <p className="quiet">
        {types.data?.jobTypes.find(({ jobType }) => jobType === capability)?.description}
      </p>
      <Telemetry capability={capability} />
      <div className="columns">
        <Panel title="Depth: providers at a price or less">
          <Read of={providers}>{(market) => <Depth market={market} />}</Read>
        </Panel>
        <Suspense fallback={<Loading lines={6} />}>
          <QuotesPanel />
        </Suspense>
      </div>
      <Panel title="Catalog">
        <Read of={providers}>
          {(market) =>
            market.providers.length === 0 ? (
              <Empty title="Nobody sells this now" action={<Command>./openagents provider start</Command>}>
                Providers appear while they are online. You can be the first.
              </Empty>
            ) : (
              <Catalog market={market} />
            )
          }
        </Read>
      </Panel>
    </Page>
  );
}

function Telemetry({ capability }: { readonly capability: string }) {
  const telemetry = useRead(
    ["market", "telemetry", capability],
    (signal) => client(Marketplace).getComputeTelemetry({ capability, days: 7 }, { signal }),
    { everyMs: 15_000 },
  );
  return (
    <Read of={telemetry} lines={2}>
      {(seen) => (
        <div className="figures">
          <Figure label="Providers online" note={`${formatCount(seen.providersReserve)} in the reserve`}>
            {formatCount(seen.providersTotal)}
          </Figure>
          <Figure label="Quoted in 7 days" note={`${formatCount(seen.unfilled)} found nobody`}>
            {formatCount(seen.quoted)}
          </Figure>
          <Figure label="Paid" note={`${formatCount(seen.withheld)} withheld`}>
            {formatCount(seen.released)}
          </Figure>
          <Figure
            label="Time to result, median"
            note={
              seen.latencyP95Ms === undefined
                ? `${formatCount(seen.latencySamples)} samples`
                : `${formatDuration(Number(seen.latencyP95Ms))} for the slowest twentieth`
            }
          >
            {seen.latencyP50Ms === undefined ? "–" : formatDuration(Number(seen.latencyP50Ms))}
          </Figure>
        </div>
      )}
    </Read>
  );
}

function Depth({ market }: { readonly market: ListProvidersResponse }) {
  const depth = useMemo(() => depthOf(market.providers.map(({ priceMsats }) => priceMsats)), [market]);
  const series = useMemo(() => [{ label: "Providers", values: depth.counts }], [depth]);
  if (depth.prices.length < 2) {
    return <Empty title="Too few offers to draw">The depth is drawn from two different prices on.</Empty>;
  }
  return (
    <div className="oa-body">
      <Plot label="Providers by price in sats" along={depth.prices} series={series} time={false} stepped />
      <p className="oa-fine">Price in sats, along; providers that take it, up.</p>
    </div>
  );
}

function Catalog({ market }: { readonly market: ListProvidersResponse }) {
  const records = new Map(market.records.map((record) => [record.providerWorkerId, record]));
  const rows = [...market.providers].sort((a, b) => (a.priceMsats < b.priceMsats ? -1 : 1));
  return (
    <div className="oa-scroll" tabIndex={0} role="region" aria-label="Catalog">
      <table className="oa-table">
        <thead>
          <tr>
            <th scope="col">Provider</th>
            <th scope="col">State</th>
            <th scope="col">Record</th>
            <th scope="col" className="oa-end">
              Done
            </th>
            <th scope="col" className="oa-end">
              Reliable
            </th>
            <th scope="col" className="oa-end">
              Price
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((worker) => (
            <Offer key={worker.workerId} worker={worker} record={records.get(worker.workerId)} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Offer({ worker, record }: { readonly worker: Worker; readonly record: ProviderRecord | undefined }) {
  return (
    <tr>
      <td>
        {worker.displayName} <Id id={worker.workerId} />
      </td>
      <td>
        <Badge word={stateOf(worker)} />
      </td>
      <td>{record === undefined ? "–" : sentence(record.tier)}</td>
      <td className="oa-end">{record === undefined ? "–" : formatCount(record.jobsDone)}</td>
      <td className="oa-end">
        {record === undefined ? "–" : `${(record.reliabilityBps / 100).toFixed(1)} %`}
      </td>
      <td className="oa-end">
        <Amount msats={worker.priceMsats} />
      </td>
    </tr>
  );
}
