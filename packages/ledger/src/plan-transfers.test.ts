import assert from "node:assert/strict";
import { test } from "node:test";
import {
  available,
  planTransfers,
  type Account,
  type Loaded,
  type Transfer,
  type TransferRefusal,
  type TransferRequest,
} from "@openagents/ledger";
import fc from "fast-check";

const NOW = 1_000;
const INT8_MAX = 2n ** 63n - 1n;

function account(id: string, overrides: Partial<Account> = {}): Account {
  return {
    id,
    unit: "msats",
    owner: "org_1",
    kind: "org",
    floor: 0n,
    debitsPosted: 0n,
    creditsPosted: 0n,
    debitsPending: 0n,
    creditsPending: 0n,
    ...overrides,
  };
}

/** `org` can spend 100; `hold` is 40 pending from org to escrow, free to expire from 2 000 on. */
function loaded(
  overrides: Partial<Record<"accounts" | "transfers", readonly (Account | Transfer)[]>> = {},
): Loaded {
  const accounts = [
    account("org", { creditsPosted: 140n, debitsPending: 40n }),
    account("escrow", { creditsPending: 40n }),
    account("earnings"),
    account("outside", { floor: null, kind: "external" }),
    account("dollars", { unit: "usd_cents" }),
    account("full", { creditsPosted: INT8_MAX - 10n, floor: null }),
    ...((overrides.accounts ?? []) as Account[]),
  ];
  const transfers: Transfer[] = [
    { ...transfer("hold", { kind: "pending" }), amount: 40n, expiresAtMs: 2_000 },
    ...((overrides.transfers ?? []) as Transfer[]),
  ];
  const resolved = transfers.flatMap((each) => (each.pendingId === undefined ? [] : [each.pendingId]));
  return {
    accounts: new Map(accounts.map((each) => [each.id, each])),
    transfers: new Map(transfers.map((each) => [each.id, each])),
    resolved: new Set(resolved),
  };
}

function transfer(id: string, overrides: Partial<TransferRequest> = {}): TransferRequest {
  return {
    id,
    kind: "posted",
    debitAccount: "org",
    creditAccount: "escrow",
    amount: 1n,
    unit: "msats",
    ...overrides,
  };
}

function resolution(
  kind: "post" | "void" | "expire",
  overrides: Partial<TransferRequest> = {},
): TransferRequest {
  return transfer("done", { kind, pendingId: "hold", amount: 40n, ...overrides });
}

function outcome(
  requests: readonly TransferRequest[],
  state: Loaded = loaded(),
  nowMs: number = NOW,
): string[] {
  return planTransfers(state, requests, nowMs).results.map((result) =>
    result.kind === "refused" ? result.reason : result.kind,
  );
}

/** A request that fails at the reason, and at each one after it that a request can fail at the same time. */
const REFUSALS: readonly (readonly [TransferRefusal, TransferRequest])[] = [
  ["linked_open", transfer("", { amount: 0n, linked: true })],
  ["fields_invalid", transfer("hold", { pendingId: "hold", amount: 0n, creditAccount: "org" })],
  ["fields_invalid", transfer("", { amount: 0n })],
  ["fields_invalid", transfer("x".repeat(201), { amount: 0n })],
  ["fields_invalid", transfer("t", { kind: "pending", pendingId: "hold" })],
  ["fields_invalid", transfer("t", { expiresAtMs: 1 })],
  ["fields_invalid", resolution("post", { expiresAtMs: 1 })],
  ["fields_invalid", transfer("t", { kind: "pending", expiresAtMs: 0.5 })],
  ["fields_invalid", transfer("t", { kind: "pending", expiresAtMs: -1 })],
  ["id_reused", transfer("hold", { kind: "pending", amount: 0n, creditAccount: "org", expiresAtMs: 2_000 })],
  ["amount_invalid", transfer("t", { amount: 0n, debitAccount: "nobody", creditAccount: "nobody" })],
  ["amount_invalid", transfer("t", { amount: -1n })],
  ["amount_invalid", transfer("t", { amount: INT8_MAX + 1n, debitAccount: "outside" })],
  ["same_account", transfer("t", { debitAccount: "nobody", creditAccount: "nobody", unit: "usd_cents" })],
  ["account_missing", transfer("t", { creditAccount: "nobody", unit: "usd_cents" })],
  ["account_missing", transfer("t", { debitAccount: "nobody" })],
  ["unit_mismatch", resolution("post", { pendingId: "nothing", unit: "usd_cents" })],
  ["unit_mismatch", transfer("t", { creditAccount: "dollars", amount: 101n })],
  ["unit_mismatch", transfer("t", { debitAccount: "dollars" })],
  ["pending_missing", resolution("post", { pendingId: "nothing", creditAccount: "earnings" })],
  ["pending_missing", transfer("t", { kind: "void", amount: 40n })],
  ["pending_missing", resolution("post", { pendingId: "spent" })],
  ["pending_mismatch", resolution("post", { pendingId: "old", creditAccount: "earnings", amount: 41n })],
  ["pending_mismatch", resolution("post", { debitAccount: "outside" })],
  ["pending_mismatch", resolution("void", { amount: 39n })],
  ["pending_mismatch", resolution("void", { amount: 41n })],
  ["pending_mismatch", resolution("expire", { amount: 39n })],
  ["pending_resolved", resolution("post", { pendingId: "old", amount: 11n })],
  ["pending_resolved", resolution("void", { pendingId: "old", amount: 10n })],
  ["pending_resolved", resolution("expire", { pendingId: "old", amount: 10n })],
  ["pending_not_expired", resolution("expire")],
  ["pending_not_expired", resolution("expire", { pendingId: "endless", amount: 10n })],
  ["amount_over_pending", resolution("post", { amount: 41n })],
  ["insufficient_funds", transfer("t", { amount: 101n, creditAccount: "full" })],
  ["insufficient_funds", transfer("t", { kind: "pending", amount: 101n })],
  ["overflow", transfer("t", { amount: 11n, creditAccount: "full" })],
  ["overflow", transfer("t", { kind: "pending", amount: 11n, creditAccount: "full" })],
];

test("every refusal is given, in the documented precedence, and moves nothing", () => {
  const old = transfer("old", { kind: "pending", amount: 10n, expiresAtMs: 5_000 });
  const state = loaded({
    transfers: [
      old,
      transfer("old:void", { kind: "void", amount: 10n, pendingId: "old" }),
      transfer("endless", { kind: "pending", amount: 10n }),
      transfer("spent"),
    ],
  });
  for (const [reason, request] of REFUSALS) {
    const plan = planTransfers(state, [request], NOW);
    assert.deepEqual(
      plan.results,
      [{ kind: "refused", reason }],
      JSON.stringify(request, (_, v: unknown) => String(v)),
    );
    assert.deepEqual(plan.postings, []);
    assert.deepEqual(plan.accounts, state.accounts);
  }
});

test("what moves where: each kind changes the four balances of both sides as its row says", () => {
  const rows: readonly (readonly [TransferRequest, readonly bigint[], readonly bigint[]])[] = [
    // [request, org's debits posted and pending, escrow's credits posted and pending]
    [transfer("t", { amount: 100n }), [100n, 40n], [100n, 40n]],
    [transfer("t", { kind: "pending", amount: 100n }), [0n, 140n], [0n, 140n]],
    [resolution("post"), [40n, 0n], [40n, 0n]],
    [resolution("post", { amount: 1n }), [1n, 0n], [1n, 0n]],
    [resolution("void"), [0n, 0n], [0n, 0n]],
    [resolution("expire"), [0n, 0n], [0n, 0n]],
  ];
  for (const [request, debits, credits] of rows) {
    const plan = planTransfers(loaded(), [request], 2_000);
    assert.deepEqual(plan.results, [{ kind: "created" }], request.kind);
    const [org, escrow] = [plan.accounts.get("org"), plan.accounts.get("escrow")];
    assert.deepEqual([org?.debitsPosted, org?.debitsPending], debits, request.kind);
    assert.deepEqual([escrow?.creditsPosted, escrow?.creditsPending], credits, request.kind);
    assert.deepEqual(plan.postings, [{ transfer: request, createdAtMs: 2_000 }]);
  }
});

test("a repeat moves nothing, and any other field under the same id is refused", () => {
  const first = transfer("hold", { kind: "pending", amount: 40n, expiresAtMs: 2_000 });
  assert.deepEqual(outcome([first]), ["exists"]);
  assert.deepEqual(outcome([{ ...first, linked: true }, transfer("t")]), ["exists", "created"]);
  const changes: readonly Partial<TransferRequest>[] = [
    { creditAccount: "earnings" },
    { debitAccount: "outside" },
    { amount: 39n },
    { unit: "usd_cents" },
    { expiresAtMs: 2_001 },
  ];
  for (const change of changes) assert.deepEqual(outcome([{ ...first, ...change }]), ["id_reused"]);
  assert.deepEqual(outcome([transfer("hold", { amount: 40n })]), ["id_reused"]);
  const posted = loaded({ transfers: [resolution("post")] });
  assert.deepEqual(outcome([resolution("post")], posted), ["exists"]);
  assert.deepEqual(outcome([resolution("post", { amount: 39n })], posted), ["id_reused"]);
  assert.deepEqual(outcome([resolution("void")], posted), ["id_reused"]);
  assert.deepEqual(outcome([resolution("post", { pendingId: "other" })], posted), ["id_reused"]);
});

test("requests see what those before them did", () => {
  assert.deepEqual(
    outcome([transfer("a", { amount: 60n }), transfer("b", { amount: 41n }), transfer("c", { amount: 40n })]),
    ["created", "insufficient_funds", "created"],
  );
  assert.deepEqual(outcome([transfer("a"), transfer("a"), transfer("a", { amount: 2n })]), [
    "created",
    "exists",
    "id_reused",
  ]);
  const hold = transfer("new", { kind: "pending", amount: 10n });
  const post = transfer("post", { kind: "post", pendingId: "new", amount: 10n });
  assert.deepEqual(outcome([post, hold, post, { ...post, id: "again" }]), [
    "pending_missing",
    "created",
    "created",
    "pending_resolved",
  ]);
});

test("a post takes the reserved funds, however little else is left", () => {
  const state = loaded({ accounts: [account("org", { creditsPosted: 40n, debitsPending: 40n })] });
  assert.deepEqual(outcome([transfer("t")], state), ["insufficient_funds"]);
  assert.deepEqual(outcome([resolution("post")], state), ["created"]);
});

test("a pending transfer past its time is still paid, until `expire` has given it back", () => {
  assert.deepEqual(outcome([resolution("expire")], loaded(), 1_999), ["pending_not_expired"]);
  assert.deepEqual(outcome([resolution("post")], loaded(), 9_999), ["created"]);
  const expire = { ...resolution("expire"), id: "late" };
  assert.deepEqual(outcome([expire, resolution("post")], loaded(), 2_000), ["created", "pending_resolved"]);
});

test("linked requests fail together, wherever one fails, and leave no trace", () => {
  const good = [transfer("a", { linked: true }), resolution("post", { linked: true }), transfer("c")];
  assert.deepEqual(outcome(good), ["created", "created", "created"]);
  for (let failing = 0; failing < 3; failing += 1) {
    const chain = good.map((each, index) => (index === failing ? { ...each, amount: 1_000n } : each));
    const state = loaded();
    const plan = planTransfers(state, [...chain, resolution("void", { id: "after" })], NOW);
    const reasons = plan.results.map((result) => (result.kind === "refused" ? result.reason : result.kind));
    const own = failing === 1 ? "amount_over_pending" : "insufficient_funds";
    assert.deepEqual(reasons, [
      ...[0, 1, 2].map((index) => (index === failing ? own : "linked_failed")),
      "created",
    ]);
    assert.deepEqual(
      plan.postings.map((posting) => posting.transfer.id),
      ["after"],
    );
    assert.equal(plan.accounts.get("org")?.debitsPosted, 0n);
  }
});

test("a chain that never closes fails, and does not take the one before it along", () => {
  assert.deepEqual(
    outcome([transfer("a"), transfer("b", { linked: true }), transfer("c", { linked: true })]),
    ["created", "linked_failed", "linked_open"],
  );
});

test("an account without a floor pays without end; one with a negative floor pays down to it", () => {
  const state = loaded({ accounts: [account("credit", { floor: -50n })] });
  assert.deepEqual(
    outcome([transfer("a", { debitAccount: "outside", amount: INT8_MAX, creditAccount: "earnings" })]),
    ["created"],
  );
  assert.deepEqual(
    outcome(
      [transfer("a", { debitAccount: "credit", amount: 50n }), transfer("b", { debitAccount: "credit" })],
      state,
    ),
    ["created", "insufficient_funds"],
  );
});

test("whatever is asked, the sum stays zero, no floor is passed, and what was loaded stays as it was", () => {
  const names = fc.constantFrom("org", "escrow", "earnings", "outside", "dollars", "full", "nobody");
  const request: fc.Arbitrary<TransferRequest> = fc
    .record({
      id: fc.constantFrom("a", "b", "c", "d", "e", "f", "hold"),
      kind: fc.constantFrom("posted", "pending", "post", "void", "expire"),
      debitAccount: names,
      creditAccount: names,
      amount: fc.oneof(fc.bigInt(-1n, 160n), fc.constantFrom(40n, INT8_MAX, INT8_MAX + 1n)),
      unit: fc.constantFrom("msats", "msats", "msats", "usd_cents"),
      pendingId: fc.option(fc.constantFrom("a", "b", "c", "hold"), { nil: undefined }),
      expiresAtMs: fc.option(fc.constantFrom(0, 2_000), { nil: undefined }),
      linked: fc.boolean(),
    })
    .map(({ pendingId, expiresAtMs, ...rest }) => ({
      ...rest,
      ...(pendingId === undefined ? {} : { pendingId }),
      ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
    }));
  const start = loaded();
  const before = totals(start.accounts.values());
  fc.assert(
    fc.property(fc.array(request, { maxLength: 20 }), fc.nat(3_000), (requests, nowMs) => {
      const plan = planTransfers(start, requests, nowMs);
      assert.deepEqual(totals(plan.accounts.values()), before);
      for (const each of plan.accounts.values()) {
        assert.ok(each.floor === null || available(each) >= each.floor, each.id);
        for (const side of [each.debitsPosted, each.creditsPosted, each.debitsPending, each.creditsPending]) {
          assert.ok(side >= 0n && side <= INT8_MAX);
        }
      }
      assert.equal(plan.results.length, requests.length);
      assert.equal(plan.postings.length, plan.results.filter((result) => result.kind === "created").length);
      assert.deepEqual(start, loaded());
    }),
    { numRuns: 1_000 },
  );
});

/** Per unit: posted and pending credits less debits. */
function totals(accounts: Iterable<Account>): Record<string, readonly [bigint, bigint]> {
  const sums: Record<string, readonly [bigint, bigint]> = {};
  for (const each of accounts) {
    const [posted, pending] = sums[each.unit] ?? [0n, 0n];
    sums[each.unit] = [
      posted + each.creditsPosted - each.debitsPosted,
      pending + each.creditsPending - each.debitsPending,
    ];
  }
  return sums;
}
