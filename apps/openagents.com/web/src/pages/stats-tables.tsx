import { formatCount, sentence } from "@openagents/ui";
import { Amount, Time } from "@openagents/ui/react";
import { Panel } from "../shell/page.tsx";
import type { PublicStats } from "../public-stats.ts";

/** What is published, as it is published: objects as tables, in their order. */
export function StatsTables({ stats }: { readonly stats: PublicStats }) {
  const plain = Object.entries(stats).filter(([, value]) => typeof value !== "object" || value === null);
  const groups = Object.entries(stats).filter(([, value]) => typeof value === "object" && value !== null);
  return (
    <>
      {plain.length === 0 ? null : (
        <Panel title="This installation">
          <Facts facts={plain} />
        </Panel>
      )}
      {groups.map(([name, value]) => (
        <Panel key={name} title={sentence(name)}>
          <Facts facts={Object.entries(Object(value))} />
        </Panel>
      ))}
    </>
  );
}

function Facts({ facts }: { readonly facts: readonly (readonly [string, unknown])[] }) {
  return (
    <div className="oa-scroll">
      <table className="oa-table">
        <tbody>
          {facts.map(([name, value]) => (
            <tr key={name}>
              <td>{sentence(name.replace(/_(msats|bps|at|ms)$/, ""))}</td>
              <td className="oa-end">
                <Value name={name} value={value} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Value({ name, value }: { readonly name: string; readonly value: unknown }) {
  if (typeof value === "number" && name.endsWith("_msats")) return <Amount msats={BigInt(value)} />;
  if (typeof value === "number" && name.endsWith("_bps")) return <>{(value / 100).toFixed(2)} %</>;
  if (typeof value === "number" && name.endsWith("_through_ms")) return <Time atMs={value} />;
  if (typeof value === "number") return <>{formatCount(value)}</>;
  if (typeof value === "string" && name.endsWith("_at")) return <Time atMs={Date.parse(value)} />;
  if (value === null || value === undefined) return <>–</>;
  return <>{typeof value === "string" ? value : JSON.stringify(value)}</>;
}
