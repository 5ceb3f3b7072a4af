import { Receipts } from "@openagents/contracts";
import { Empty, Id, Plot } from "@openagents/ui/react";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { client, useRead } from "../api.ts";
import { Panel } from "../shell/page.tsx";
import { Read } from "../shell/read.tsx";

type Quoted = {
  readonly receiptId: string;
  readonly atMs: number;
  readonly sats: number;
  readonly provider: string;
};

/** What the organisation was quoted, over time, from the quotes' own receipts. */
export function QuotesPanel() {
  const quotes = useRead(["market", "quotes"], async (signal) => {
    const page = await client(Receipts).listReceipts(
      { schema: "openagents.marketplace.quote.v1", limit: 100 },
      { signal },
    );
    return page.receipts.flatMap(({ receipt }): Quoted[] => {
      const {
        receipt_id: receiptId,
        occurred_at: at,
        total_price_msats: total,
        provider_worker_id: provider,
      } = receipt;
      if (typeof receiptId !== "string" || typeof at !== "string" || typeof total !== "number") return [];
      return [
        {
          receiptId,
          atMs: Date.parse(at),
          sats: total / 1000,
          provider: typeof provider === "string" ? provider : "",
        },
      ];
    });
  });
  return (
    <Panel title="Prices that you were quoted">
      <Read of={quotes}>
        {(rows) =>
          rows.length === 0 ? (
            <Empty title="No quotes yet">A run asks for one before it buys its check.</Empty>
          ) : (
            <Prices rows={rows} />
          )
        }
      </Read>
    </Panel>
  );
}

function Prices({ rows }: { readonly rows: readonly Quoted[] }) {
  const { along, series } = useMemo(() => {
    const ordered = [...rows].sort((a, b) => a.atMs - b.atMs);
    return {
      along: ordered.map(({ atMs }) => atMs / 1000),
      series: [{ label: "Sats", values: ordered.map(({ sats }) => sats) }],
    };
  }, [rows]);
  return (
    <div className="oa-body">
      {rows.length > 1 ? (
        <Plot label="Quoted prices over time, in sats" along={along} series={series} />
      ) : null}
      <ul className="money-way">
        {rows.slice(0, 4).map((row) => (
          <li key={row.receiptId}>
            <span>
              {row.provider === "" ? "Quote" : <Id id={row.provider} />}{" "}
              <Link to="/receipts/$receiptId" params={{ receiptId: row.receiptId }}>
                receipt
              </Link>
            </span>
            <span className="oa-figure">{row.sats.toLocaleString("en")} sats</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
