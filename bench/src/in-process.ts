// Commands called as functions, without HTTP: what the authority itself gives.
// Has a database of its own on the given server. Each line on standard input,
// `{"callers":128,"seconds":5,"accounts":200,"run":"a"}`, is a measurement.

import { createInterface } from "node:readline";
import { createAuthority } from "@openagents/authority";
import { Treasury, methodsOf, type CommandCall, type MethodContract } from "@openagents/contracts";
import { connect, migrate, provisionDatabase } from "@openagents/postgres";
import { MIGRATIONS, grantDemoCredit, openTransferBatch, reserveCompute } from "@openagents/runtime";
import { repeat } from "./load.ts";

export type InProcessRun = {
  readonly callers: number;
  readonly seconds: number;
  /** How many organisations pay; with one, its account is hot. */
  readonly accounts: number;
  /** Makes the keys of this run its own. */
  readonly run: string;
};

const [adminUrl] = process.argv.slice(2);
if (adminUrl === undefined) throw new Error("usage: in-process.ts ADMIN_URL");
const app = { role: "bench_app", password: "bench" };
const { ownerUrl, appUrl } = await provisionDatabase(adminUrl, {
  database: "bench_in_process",
  owner: { role: "bench_owner", password: "bench" },
  app,
});
await migrate({ url: ownerUrl, directories: MIGRATIONS, appRole: app.role });
const db = connect({ url: appUrl, applicationName: "bench" });
const authority = createAuthority({ db, nowMs: Date.now });
const deps = { authority, transfers: openTransferBatch(authority), nowMs: Date.now, demoGrants: true };
const granted = new Set<number>();
// Made once, as a service makes them once.
const METHODS = { reserveCompute: methodOf("reserveCompute"), grantDemoCredit: methodOf("grantDemoCredit") };
const NO_SCOPES = new Set<string>();
const NEVER = new AbortController().signal;

process.stdout.write("{}\n");
for await (const line of createInterface({ input: process.stdin })) {
  const { callers, seconds, accounts, run } = JSON.parse(line) as InProcessRun;
  for (let index = 0; index < accounts; index += 1) await grant(index);
  const figures = await repeat({ callers, seconds }, async (caller, n) => {
    const call = callOf("reserveCompute", Math.floor(Math.random() * accounts), `${run}-${caller}-${n}`);
    const reply = await reserveCompute(deps, call, { amountMsats: 1n });
    if (reply.status !== 201) throw new Error(`${reply.status}: ${reply.body}`);
  });
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}
await db.close();

async function grant(index: number): Promise<void> {
  if (granted.has(index)) return;
  granted.add(index);
  const call = callOf("grantDemoCredit", index, "grant");
  await grantDemoCredit(deps, call, { amountMsats: 100_000_000_000n, memo: "bench" });
}

function callOf(name: keyof typeof METHODS, index: number, key: string): CommandCall {
  return {
    principal: {
      id: `usr_bench${index}`,
      kind: "user",
      org: `org_bench${index}`,
      scopes: NO_SCOPES,
      zoneTenths: 5,
      tokenId: "bench",
    },
    requestId: "req_bench",
    signal: NEVER,
    method: METHODS[name],
    idempotencyKey: key,
  };
}

function methodOf(name: string): MethodContract {
  const method = methodsOf(Treasury).find((each) => each.localName === name);
  if (method === undefined) throw new Error(`the treasury has no ${name}`);
  return method;
}
