// The requests that the bench sends, and who sends them.

import { dataDirAt, loadKeys, mintToken } from "@openagents/stack";
import { requestOf, type Request } from "./load.ts";

const RESERVE = "/internal/v1/treasury/compute/reserve";
const GRANT = "/internal/v1/treasury/demo-grants";
const RUNS = "/internal/v1/runs";
const RECEIPTS = "/internal/v1/receipts";

/** Organisations that random traffic spreads over. */
export const ORGS = 200;

export type Traffic = (client: number, n: number) => Request;

/** One organisation of the bench, with a run of its own. */
export type Org = { readonly token: string; readonly runId: string; readonly receiptId: string };

/** Fresh tokens for all organisations, and on their first use money and a run. They live for ten minutes. */
export async function loadOrgs(url: string, stackDir: string): Promise<Org[]> {
  const keys = loadKeys(dataDirAt(stackDir));
  return Promise.all(
    Array.from({ length: ORGS }, async (_, index) => {
      const token = await mintToken(keys, { sub: `usr_bench${index}`, org: `org_bench${index}` }, Date.now());
      const grant = await post(url + GRANT, token, { amount_msats: 100_000_000_000, memo: "bench" });
      const { run } = await post(url + RUNS, token, {});
      return { token, runId: run.run_id, receiptId: grant.receipt_id };
    }),
  );
}

/** A reservation of any of the organisations; with one of them, its account is hot. `run` makes its keys its own. */
export function reserving(orgs: readonly Org[], run: string): Traffic {
  return (client, n) => {
    const { token } = anyOf(orgs);
    return command(RESERVE, token, `${run}-${client}-${n}`, '{"amount_msats":1}');
  };
}

/** The same, always the same organisation for the same key, so that it can be sent again. */
export function repeatable(orgs: readonly Org[], run: string): Traffic {
  return (client, n) => {
    const { token } = nthOf(orgs, client * 7 + n);
    return command(RESERVE, token, `${run}-${client}-${n}`, '{"amount_msats":1}');
  };
}

/** A reservation for a run: locks the run and writes its event too, and so is never batched. */
export function reservingForRun(orgs: readonly Org[], run: string): Traffic {
  return (client, n) => {
    const { token, runId } = anyOf(orgs);
    return command(RESERVE, token, `${run}-${client}-${n}`, `{"amount_msats":1,"run_id":"${runId}"}`);
  };
}

/** As `reservingForRun`, and can be sent again. */
export function repeatableForRun(orgs: readonly Org[], run: string): Traffic {
  return (client, n) => {
    const { token, runId } = nthOf(orgs, client * 7 + n);
    return command(RESERVE, token, `${run}-${client}-${n}`, `{"amount_msats":1,"run_id":"${runId}"}`);
  };
}

export function readingRuns(orgs: readonly Org[]): Traffic {
  return (client, n) => {
    const { token, runId } = nthOf(orgs, client * 7 + n);
    return requestOf("GET", `${RUNS}/${runId}`, { authorization: `Bearer ${token}` });
  };
}

export function readingReceipts(orgs: readonly Org[]): Traffic {
  return (client, n) => {
    const { token, receiptId } = nthOf(orgs, client * 7 + n);
    return requestOf("GET", `${RECEIPTS}/${receiptId}`, { authorization: `Bearer ${token}` });
  };
}

function anyOf(orgs: readonly Org[]): Org {
  return nthOf(orgs, Math.floor(Math.random() * orgs.length));
}

function nthOf(orgs: readonly Org[], n: number): Org {
  const org = orgs[n % orgs.length];
  if (org === undefined) throw new Error("the bench has no organisations");
  return org;
}

function command(path: string, token: string, key: string, body: string): Request {
  const headers = {
    authorization: `Bearer ${token}`,
    "content-type": "application/json",
    "idempotency-key": key,
  };
  return requestOf("POST", path, headers, body);
}

// oxlint-disable-next-line typescript/no-explicit-any
async function post(address: string, token: string, body: object): Promise<any> {
  const answer = await fetch(address, {
    method: "POST",
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      "idempotency-key": "bench-start",
    },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  if (answer.status !== 201) throw new Error(`${address}: ${answer.status} ${text}`);
  return JSON.parse(text);
}
