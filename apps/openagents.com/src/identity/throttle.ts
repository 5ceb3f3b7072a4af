// How often somebody may try. Counted in the database, so that all instances
// count together, by account and by address at once: many accounts from one
// address are stopped by the address, one account from many by the account.
//
// The rule is the generic cell rate algorithm: a caller has `burst` tries at
// hand and gets one back every `everyMs`. It needs one number per caller, and
// one statement decides and counts, so that no two calls share a try.

import { ProblemError } from "@openagents/contracts";
import { statement, type Database } from "@openagents/postgres";
import type { Secrets } from "./secrets.ts";

export type Limit = { readonly burst: number; readonly everyMs: number };

/** Limits of what can be guessed or costs somebody something, by account and by address. */
export type Limits = Readonly<Record<Rule, { readonly account?: Limit; readonly address: Limit }>>;

export type Rule = "send_code" | "try_code" | "passkey" | "device_code" | "device_poll" | "user_code";

export const LIMITS: Limits = {
  send_code: {
    account: { burst: 5, everyMs: 180_000 },
    address: { burst: 30, everyMs: 20_000 },
  },
  // Five tries a code, five codes at hand: an account is guessed at less than 200 times in a day.
  try_code: {
    account: { burst: 10, everyMs: 600_000 },
    address: { burst: 40, everyMs: 15_000 },
  },
  passkey: { address: { burst: 40, everyMs: 5_000 } },
  device_code: { address: { burst: 20, everyMs: 15_000 } },
  device_poll: { address: { burst: 120, everyMs: 1_000 } },
  user_code: {
    account: { burst: 10, everyMs: 60_000 },
    address: { burst: 20, everyMs: 30_000 },
  },
};

export type Throttle = {
  /** Throws 429 with the time to wait; a try that was refused counts for nobody. */
  take(rule: Rule, caller: { readonly account?: string; readonly address: string }): Promise<void>;
  /** Give an account its tries back: its owner has just got in. The address keeps what it has used. */
  forgive(rules: readonly Rule[], account: string): Promise<void>;
};

const TAKE = statement(
  "identity.take_try",
  `INSERT INTO auth.throttle AS t (bucket, free_at_ms) VALUES ($1, $2::bigint + $3::bigint)
   ON CONFLICT (bucket) DO UPDATE SET free_at_ms = greatest(t.free_at_ms, $2::bigint) + $3::bigint
    WHERE greatest(t.free_at_ms, $2::bigint) + $3::bigint - $2::bigint <= $4::bigint
   RETURNING free_at_ms`,
);

const FORGIVE = statement("identity.forgive_tries", `DELETE FROM auth.throttle WHERE bucket = ANY($1)`);

const FIND = statement("identity.find_throttle", `SELECT free_at_ms FROM auth.throttle WHERE bucket = $1`);

type Row = { readonly free_at_ms: bigint };

export function createThrottle(deps: {
  readonly db: Database;
  readonly secrets: Secrets;
  readonly limits: Limits;
  readonly nowMs: () => number;
}): Throttle {
  const { db, secrets, limits, nowMs } = deps;

  async function takeOne(bucket: string, limit: Limit): Promise<void> {
    const now = Math.round(nowMs());
    const window = limit.burst * limit.everyMs;
    const taken = await db.query<Row>(TAKE, [bucket, now, limit.everyMs, window]);
    if (taken.length > 0) return;
    const [row] = await db.query<Row>(FIND, [bucket]);
    const freeAtMs = Number(row?.free_at_ms ?? now);
    throw tooMany(Math.max(1, freeAtMs + limit.everyMs - window - now));
  }

  return {
    async take(rule, { account, address }) {
      const limit = limits[rule];
      // The address first: who has no try left must not use up those of somebody's account.
      await takeOne(secrets.bucket(`${rule} address`, networkOf(address)), limit.address);
      if (limit.account === undefined || account === undefined) return;
      await takeOne(secrets.bucket(`${rule} account`, account), limit.account);
    },

    async forgive(rules, account) {
      await db.query(FORGIVE, [rules.map((rule) => secrets.bucket(`${rule} account`, account))]);
    },
  };
}

function tooMany(retryAfterMs: number): ProblemError {
  return new ProblemError({
    status: 429,
    code: "too_many_attempts",
    detail: `Too many attempts. Try again in ${Math.ceil(retryAfterMs / 1000)} s.`,
    retryAfterMs,
  });
}

/** One IPv6 subscriber holds a /64, of which every address is as good as another. */
function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("::");
  const front = head === "" ? [] : head.split(":");
  const back = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros =
    tail === undefined ? [] : Array<string>(Math.max(0, 8 - front.length - back.length)).fill("0");
  return [...front, ...zeros, ...back].slice(0, 4).join(":");
}
