// Money under kill −9: whatever was acknowledged stays, whatever was not can be
// asked again with its key, and the books are right each time.

import assert from "node:assert/strict";
import { test } from "node:test";
import { freshHome, postmasterOf, type Home } from "./openagents.ts";

const RESERVE = "/internal/v1/treasury/compute/reserve";
const AMOUNT = 1_000;
const MONEY_FOR = 50;

for (const victims of [["stack"], ["database"], ["stack", "database"]] as const) {
  test(`after kill −9 of ${victims.join(" and ")} among 200 reservations, repeats complete them to exactly ${MONEY_FOR}`, async (t) => {
    const home = freshHome(t);
    let stack = await up(home);
    const granted = await post(stack, "/internal/v1/treasury/demo-grants", "grant", {
      amount_msats: AMOUNT * MONEY_FOR,
      memo: "crash test",
    });
    assert.equal(granted?.status, 201);

    const keys = Array.from({ length: 200 }, (_, index) => `key-${index}`);
    const acknowledged = new Map<string, string>();
    const asking = Promise.all(
      keys.map(async (key, index) => {
        const answer = await post(stack, RESERVE, key, { amount_msats: AMOUNT });
        if (answer !== undefined && answer.status < 500) acknowledged.set(key, answer.text);
        if (index === 60) kill(home, stack, victims);
      }),
    );
    await asking;
    if (victims.some((victim) => victim === "stack")) stack = await up(home);

    const final = new Map<string, string>();
    for (const key of keys) final.set(key, await askUntilDecided(stack, key));
    for (const [key, text] of acknowledged)
      assert.equal(final.get(key), text, `${key} answers other bytes than before`);
    const made = [...final.values()].filter((text) => JSON.parse(text).reservation !== undefined);
    const short = [...final.values()].filter((text) => JSON.parse(text).reason === "insufficient_funds");
    assert.equal(made.length, MONEY_FOR);
    assert.equal(short.length, keys.length - MONEY_FOR);
    const audit = await home.run(["ledger", "audit", "--json"]);
    assert.equal(JSON.parse(audit.out).ok, true, audit.out);
  });
}

type Stack = { readonly runtime_url: string; readonly pid: number; readonly token: string };

async function up(home: Home): Promise<Stack> {
  const { code, out, err } = await home.run(["up", "--detach", "--port-base", "0", "--json"]);
  assert.equal(code, 0, err);
  const token = (await home.run(["token"])).out.trim();
  return { ...JSON.parse(out), token };
}

function kill(home: Home, stack: Stack, victims: readonly ("stack" | "database")[]): void {
  const postmaster = postmasterOf(home);
  if (victims.includes("stack")) process.kill(stack.pid, "SIGKILL");
  if (victims.includes("database")) process.kill(postmaster, "SIGKILL");
}

/** Undefined when the connection broke before an answer. */
async function post(stack: Stack, path: string, key: string, body: unknown) {
  try {
    const response = await fetch(stack.runtime_url + path, {
      method: "POST",
      headers: {
        authorization: `Bearer ${stack.token}`,
        "content-type": "application/json",
        "idempotency-key": key,
      },
      body: JSON.stringify(body),
    });
    return { status: response.status, text: await response.text() };
  } catch {
    return undefined;
  }
}

/** As a client does: the same key again, as long as the service says that nothing was decided. */
async function askUntilDecided(stack: Stack, key: string): Promise<string> {
  for (;;) {
    const answer = await post(stack, RESERVE, key, { amount_msats: AMOUNT });
    if (answer !== undefined && (answer.status === 201 || answer.status === 402)) return answer.text;
    assert.ok(answer === undefined || answer.status === 503 || answer.status === 409, answer?.text);
  }
}
