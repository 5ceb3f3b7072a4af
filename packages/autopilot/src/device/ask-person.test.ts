import assert from "node:assert/strict";
import { test } from "node:test";
import type { Approval, ApprovalStatus } from "@openagents/contracts";
import { askPerson } from "./ask-person.ts";
import type { DeviceClients } from "./deps.ts";

/** An inbox in which each question is decided at its third look; one key is one question. */
function inboxThatSays(...decisions: readonly ApprovalStatus[]) {
  const byKey = new Map<string, { readonly approval: Approval; looks: number }>();
  const approvalOf = (approvalId: string, status: ApprovalStatus): Approval => ({
    approvalId,
    kind: "question",
    status,
    title: "",
    detail: "",
    facts: {},
    requestedBy: "dev_1",
    requestedAt: 0,
    expiresAt: 0,
  });
  const inbox: Partial<DeviceClients["inbox"]> = {
    async requestApproval(_question, options) {
      const key = options?.idempotencyKey ?? "";
      const known = byKey.get(key) ?? { approval: approvalOf(`apv_${byKey.size}`, "pending"), looks: 0 };
      byKey.set(key, known);
      return { approval: known.approval };
    },
    async getApproval({ approvalId }) {
      const all = [...byKey.values()];
      const at = all.findIndex((each) => each.approval.approvalId === approvalId);
      const asked = all[at] ?? assert.fail("nobody asked that");
      asked.looks += 1;
      return { approval: approvalOf(approvalId, asked.looks < 3 ? "pending" : (decisions[at] ?? "pending")) };
    },
  };
  return { clients: { inbox } as unknown as DeviceClients, keys: () => [...byKey.keys()] };
}

const CALL = { requestId: "r1", threadId: "thr_1" };

test("a person's yes is for the question that was asked, and everything else is a no", async () => {
  const { clients, keys } = inboxThatSays("approved", "rejected", "expired");
  const deps = { clients, workerId: "cwk_1", pause: async () => true };
  const ask = askPerson(deps, CALL, AbortSignal.timeout(5_000));
  assert.equal(await ask({ what: "npm install" }), "accept");
  assert.equal(await ask({ what: "git push", reason: "to be done" }), "decline");
  assert.equal(await ask({ what: "git push" }), "decline");
  assert.deepEqual(keys(), ["r1:ask:1", "r1:ask:2", "r1:ask:3"]);
});

test("a process that takes the turn up again asks nothing twice", async () => {
  const { clients, keys } = inboxThatSays("approved");
  const stopped = new AbortController();
  const pause = async () => {
    stopped.abort(new Error("killed"));
    return false;
  };
  await assert.rejects(
    askPerson({ clients, workerId: "cwk_1", pause }, CALL, stopped.signal)({ what: "npm install" }),
    /killed/,
  );
  const again = askPerson(
    { clients, workerId: "cwk_1", pause: async () => true },
    CALL,
    AbortSignal.timeout(5_000),
  );
  assert.equal(await again({ what: "npm install" }), "accept");
  assert.deepEqual(keys(), ["r1:ask:1"]);
});
