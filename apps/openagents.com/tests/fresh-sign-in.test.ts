import assert from "node:assert/strict";
import { test } from "node:test";
import { createFreshSignIn, SomebodyElse } from "../web/src/session/fresh-sign-in.ts";
import type { SignedIn } from "../web/src/session/session.ts";

const ADA: SignedIn = { kind: "signed_in", userId: "usr_ada", org: "org_a", scopes: new Set() };

test("however many commands wait for it, a person signs in once", async () => {
  const { fresh } = start(ADA);
  fresh.offer();
  const answers = Promise.all([fresh.ask(), fresh.ask(), fresh.ask()]);
  assert.equal(fresh.wanted, true);
  await fresh.given();
  assert.deepEqual(await answers, [true, true, true]);
  assert.equal(fresh.wanted, false);
});

test("what one person asked for is not done when another has signed in", async () => {
  const { fresh, becomes } = start(ADA);
  fresh.offer();
  const answer = fresh.ask();
  becomes({ ...ADA, userId: "usr_bob" });
  await assert.rejects(fresh.given(), SomebodyElse);
  assert.equal(await answer, false);
});

test("nobody waits for a dialog that is not there, was left, or was taken away", async () => {
  const { fresh } = start(ADA);
  assert.equal(await fresh.ask(), false);
  const leave = fresh.offer();
  const left = fresh.ask();
  fresh.declined();
  assert.equal(await left, false);
  const taken = fresh.ask();
  leave();
  assert.equal(await taken, false);
});

test("what waits is done in the organisation that it was asked in", async () => {
  const { fresh, becomes, actedIn } = start(ADA);
  fresh.offer();
  const answer = fresh.ask();
  becomes({ ...ADA, org: "org_personal" });
  await fresh.given();
  assert.equal(await answer, true);
  assert.deepEqual(actedIn, ["org_a"]);
});

/** A session that is looked at anew says what the test has made of it. */
function start(state: typeof ADA) {
  let next = state;
  const actedIn: string[] = [];
  const fresh = createFreshSignIn({
    state,
    renew: async () => next,
    async actIn(org) {
      actedIn.push(org);
      next = { ...next, org };
    },
  });
  return { fresh, actedIn, becomes: (changed: typeof ADA) => void (next = changed) };
}
