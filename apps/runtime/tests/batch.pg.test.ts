// Reservations and grants through the batch: whatever mix arrives, it ends as it
// would have one command at a time.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { createAuthority } from "@openagents/authority";
import { Treasury, methodsOf, type CommandCall } from "@openagents/contracts";
import { auditLedger } from "@openagents/ledger";
import { statement, type Database } from "@openagents/postgres";
import {
  MIGRATIONS,
  grantDemoCredit,
  loadSpends,
  openTransferBatch,
  reserveCompute,
} from "@openagents/runtime";
import { testDatabase } from "@openagents/testing";
import { startHarness } from "./harness.ts";
import { assertSound, grant } from "./ledger-checks.ts";

const NOW = 1_790_000_000_000;
const RESERVE = "/internal/v1/treasury/compute/reserve";
const SEEDS = [1, 2];

type Step = {
  readonly kind: "grant" | "reserve";
  readonly org: number;
  readonly key: string;
  readonly amount: bigint;
};

test("random commands end in a batch as they do one at a time: answers, balances and receipts", async (t) => {
  for (const seed of SEEDS) {
    const steps = randomSteps(seed);
    const [together, alone] = [await treasury(t, "batch"), await treasury(t, "alone")];
    const batched = await Promise.all(steps.map((step) => together.run(step)));
    const single: string[] = [];
    for (const step of steps) single.push(await alone.run(step));
    assert.deepEqual(batched, single, `seed ${seed}`);
    assert.deepEqual(await together.state(), await alone.state(), `seed ${seed}`);
    assert.equal((await auditLedger(together.db)).ok, true);
  }
});

test("128 callers on one account, in two processes: exactly what it holds is reserved", async (t) => {
  const runtime = await startHarness(t);
  const other = await startHarness(t, { databaseUrl: runtime.databaseUrl });
  await grant(runtime, 50_000);
  const tokens = [await runtime.token(), await other.token()];
  const answers = await Promise.all(
    Array.from({ length: 256 }, (_, n) => {
      const [service, token] = n % 2 === 0 ? [runtime, tokens[0]] : [other, tokens[1]];
      return service.post(RESERVE, { amount_msats: 1_000 }, { token: token ?? "" });
    }),
  );
  assert.equal(answers.filter((answer) => answer.status === 201).length, 50);
  assert.equal(answers.filter((answer) => answer.status === 402).length, 206);
  await assertSound(runtime);
});

test("nothing stays of a grant that fails beside others, not even the accounts that it would have opened", async (t) => {
  const books = await treasury(t, "batch");
  const step = (org: number, amount: bigint): Step => ({ kind: "grant", org, key: "k", amount });
  const answers = await Promise.all([step(1, 5n), step(2, -1n), step(3, 5n)].map((each) => books.run(each)));
  assert.deepEqual(
    answers.map((answer) => answer.slice(0, 5)),
    ["201 f", "Error", "201 f"],
  );
  assert.equal((await books.state()).filter((line) => line.includes("org_2")).length, 0);
});

/** A few organisations, little money, keys that repeat with the same and with other requests. */
function randomSteps(seed: number): Step[] {
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return Math.floor((state / 0x8000_0000) * below);
  };
  return Array.from({ length: 200 }, (): Step => {
    const kind = random(5) === 0 ? "grant" : "reserve";
    return { kind, org: random(4), key: `k${random(120)}`, amount: BigInt(1 + random(3)) };
  });
}

async function treasury(t: TestContext, path: "batch" | "alone") {
  const { db } = await testDatabase(t, { directories: MIGRATIONS });
  const nowMs = () => NOW;
  const authority = createAuthority({ db, nowMs });
  const alone: ReturnType<typeof openTransferBatch> = {
    execute: (call, input, need, decide) =>
      authority.execute(call, input, async (command) => {
        const state = await loadSpends(command.tx, [need], command.nowMs());
        return decide(command, state.view(need)).outcome;
      }),
  };
  const transfers = path === "batch" ? openTransferBatch(authority) : alone;
  const deps = { authority, transfers, nowMs, demoGrants: true };
  // Two organisations of the four have a budget, one of them two.
  await db.query(statement("", SET_BUDGETS));
  return {
    db,
    async run({ kind, org, key, amount }: Step): Promise<string> {
      try {
        const reply =
          kind === "grant"
            ? await grantDemoCredit(deps, callOf("grantDemoCredit", org, key), {
                amountMsats: amount,
                memo: "m",
              })
            : await reserveCompute(deps, callOf("reserveCompute", org, key), { amountMsats: amount });
        return `${reply.status} ${reply.replayed} ${withoutIds(reply.body)}`;
      } catch (error) {
        return String(error);
      }
    },
    state: () => stateOf(db),
  };
}

const SET_BUDGETS = `
  INSERT INTO runtime.budgets
    (budget_id, org, level, subject, period, limit_msats, receipt_id, created_at_ms, updated_at_ms)
  VALUES ('bgt_1', 'org_1', 'org', '', 'day', 12, '', 0, 0), ('bgt_2', 'org_2', 'org', '', 'none', 9, '', 0, 0),
         ('bgt_3', 'org_2', 'org', '', 'month', 7, '', 0, 0)`;

/** Everything that is stored, but for ids, which are drawn. */
async function stateOf(db: Database): Promise<string[]> {
  const rows = await db.query<{ line: string }>(
    statement(
      "",
      `SELECT format('account %s %s %s %s %s', id, debits_posted, credits_posted, debits_pending, credits_pending) AS line
         FROM ledger.accounts
       UNION ALL SELECT format('transfer %s %s %s %s', kind, debit_account, credit_account, amount) FROM ledger.transfers
       UNION ALL SELECT format('command %s %s %s %s %s', tenant, method, key, status, body) FROM authority.commands
       UNION ALL SELECT format('receipt %s %s', tenant, body) FROM authority.receipts
       UNION ALL SELECT format('counter %s %s %s %s', budget_id, period_start_ms, reserved_msats, spent_msats)
                   FROM runtime.budget_counters
       UNION ALL SELECT format('entry %s %s %s', budget_id, period_start_ms, amount_msats) FROM runtime.budget_entries
       UNION ALL SELECT format('reservation %s %s %s', org, amount_msats, status) FROM runtime.reservations`,
    ),
  );
  return rows.map((row) => withoutIds(row.line)).sort();
}

function withoutIds(text: string): string {
  return text.replaceAll(/[0-9a-f]{24,64}/g, "ID");
}

function callOf(name: string, org: number, key: string): CommandCall {
  const method = methodsOf(Treasury).find((each) => each.localName === name) ?? assert.fail(`no ${name}`);
  return {
    principal: {
      id: "usr_a",
      kind: "user",
      org: `org_${org}`,
      scopes: new Set(),
      zoneTenths: 5,
      tokenId: "jti",
    },
    requestId: "req_test",
    signal: new AbortController().signal,
    method,
    idempotencyKey: key,
  };
}
