import { Button } from "@mantine/core";
import { Receipts, Treasury, type JsonObject } from "@openagents/contracts";
import { formatCount } from "@openagents/ui";
import { Amount, Empty, Problem, Time } from "@openagents/ui/react";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { client, useRead } from "../api.ts";
import { queries } from "../queries.ts";
import { Panel } from "../shell/page.tsx";
import { Read } from "../shell/read.tsx";

export function Reconcile() {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const [answer, setAnswer] = useState<{
    readonly freedMsats: bigint;
    readonly freed: number;
    readonly left: number;
  }>();
  const reconcile = async () => {
    setBusy(true);
    setError(undefined);
    try {
      const { freed, freedMsats, left } = await client(Treasury).reconcileCompute({});
      setAnswer({ freedMsats, freed: freed.length, left: left.length });
      void queries.invalidateQueries({ queryKey: ["reconciliations"] });
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Panel title="Reconciliation">
      <div className="oa-body stack">
        <p className="quiet">
          Looks at reservations whose time is over: what no job needs any more is given back, and the rest
          says why it stays.
        </p>
        <div className="row">
          <Button size="sm" variant="default" loading={busy} onClick={() => void reconcile()}>
            Reconcile now
          </Button>
          {answer === undefined ? null : (
            <span>
              {formatCount(answer.freed)} given back, <Amount msats={answer.freedMsats} />;{" "}
              {formatCount(answer.left)} left
            </span>
          )}
        </div>
        {error === undefined ? null : <Problem error={error} />}
      </div>
      <ReconcileHistory />
    </Panel>
  );
}

const SCHEMAS = ["openagents.treasury.reconciled.v1", "openagents.treasury.reservation_expired.v1"];

/** What was given back before, by an operator or by the service on its own, from its receipts. */
function ReconcileHistory() {
  const history = useRead(
    ["reconciliations"],
    async (signal) => {
      const pages = await Promise.all(
        SCHEMAS.map((schema) => client(Receipts).listReceipts({ schema, limit: 20 }, { signal })),
      );
      return pages
        .flatMap(({ receipts }) => receipts.map(({ receipt }) => reconciled(receipt)))
        .sort(newestFirst);
    },
    { everyMs: 30_000 },
  );
  return (
    <Read of={history}>
      {(all) =>
        all.length === 0 ? (
          <Empty title="Nothing was given back yet">
            The service looks by itself. Each reservation that it ends has a receipt, which appears here.
          </Empty>
        ) : (
          <ul className="money-way">
            {all.map(({ receiptId, what, msats, atMs }) => (
              <li key={receiptId}>
                <span>
                  {what}{" "}
                  <span className="quiet">
                    <Time atMs={atMs} />
                  </span>
                </span>
                <span className="row">
                  <Link to="/receipts/$receiptId" params={{ receiptId }}>
                    receipt
                  </Link>
                  <Amount msats={msats} />
                </span>
              </li>
            ))}
          </ul>
        )
      }
    </Read>
  );
}

type Reconciled = {
  readonly receiptId: string;
  readonly what: string;
  readonly msats: bigint;
  readonly atMs: number;
};

function reconciled(receipt: JsonObject): Reconciled {
  const { receipt_id: id, occurred_at: at, freed_reservation_ids: freed, run_id: run } = receipt;
  const msats = receipt["freed_msats"] ?? receipt["amount_msats"];
  return {
    receiptId: textOf(id),
    what: Array.isArray(freed)
      ? `Reconciled by an operator: ${formatCount(freed.length)} given back`
      : typeof run === "string"
        ? "Given back: no job of its run needed it any more"
        : "Given back: its time was over",
    msats: typeof msats === "number" ? BigInt(msats) : 0n,
    atMs: Date.parse(textOf(at)),
  };
}

function newestFirst(a: Reconciled, b: Reconciled): number {
  return b.atMs - a.atMs;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
