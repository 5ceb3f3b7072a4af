// Taking from an organisation's limit. One row for each organisation and class is
// changed in the statement that commits the command, so that it is locked no
// longer than that, and one command too many rolls back as if never sent.
//
// LIM-1  Of any number at once exactly as many pass as the limit allows, in all processes together.
// LIM-2  What is replayed, or fails, takes nothing.
// Held by tests/rate-limits.pg.test.ts.

import type { Authority } from "@openagents/authority";
import { ProblemError, type CommandCall } from "@openagents/contracts";
import { isCheckViolation, statement, type Database, type Write } from "@openagents/postgres";
import { spanOf, type LimitClass, type Limits } from "./limit.ts";

export type RateLimits = {
  /** The same authority, for commands of this class. */
  over(authority: Authority, name: LimitClass): Authority;
  /** Take one now, for what may decide nothing. Throws 429 `rate_limited`. */
  take(call: CommandCall, name: LimitClass): Promise<void>;
};

export type RateLimitsDeps = {
  readonly db: Database;
  readonly limits: Limits;
  readonly nowMs: () => number;
};

export function createRateLimits(deps: RateLimitsDeps): RateLimits {
  const limited = async <T>(call: CommandCall, name: LimitClass, body: () => Promise<T>): Promise<T> => {
    try {
      return await body();
    } catch (error) {
      if (!isCheckViolation(error, "rate_limits_within")) throw error;
      throw await tooMany(deps, call.principal.org, name, error);
    }
  };
  const write = (call: CommandCall, name: LimitClass) =>
    takeWrite(call.principal.org, name, deps.limits, deps.nowMs());
  return {
    over: (authority, name) => ({
      ...authority,
      execute: (call, input, body) =>
        limited(call, name, () =>
          authority.execute(call, input, async (command) => {
            const outcome = await body(command);
            if (outcome.kind === "nothing") return outcome;
            return { ...outcome, writes: [write(call, name), ...(outcome.writes ?? [])] };
          }),
        ),
    }),
    take: (call, name) =>
      limited(call, name, async () => {
        const { name: label, text, values } = write(call, name);
        await deps.db.query({ name: label, text }, values);
      }),
  };
}

function takeWrite(org: string, name: LimitClass, limits: Limits, nowMs: number): Write {
  const { intervalUs, windowUs } = spanOf(limits[name]);
  const nowUs = BigInt(nowMs) * 1_000n;
  return {
    name: "rate_limits.take",
    text: `INSERT INTO runtime.rate_limits AS l (org, class, full_at_us, taken_at_us, window_us)
           VALUES ($1, $2, $3::bigint + $4::bigint, $3, $5)
           ON CONFLICT (org, class) DO UPDATE SET
             full_at_us = greatest(l.full_at_us, excluded.taken_at_us) + $4::bigint,
             taken_at_us = excluded.taken_at_us, window_us = excluded.window_us`,
    values: [org, name, nowUs, intervalUs, windowUs],
  };
}

const FIND = statement(
  "rate_limits.find",
  "SELECT full_at_us FROM runtime.rate_limits WHERE org = $1 AND class = $2",
);

async function tooMany(
  { db, limits, nowMs }: RateLimitsDeps,
  org: string,
  name: LimitClass,
  cause: unknown,
): Promise<ProblemError> {
  const [row] = await db.query<{ full_at_us: bigint }>(FIND, [org, name]);
  const { intervalUs, windowUs } = spanOf(limits[name]);
  const nowUs = BigInt(nowMs()) * 1_000n;
  const waitUs = (row?.full_at_us ?? nowUs) + intervalUs - windowUs - nowUs;
  const { burst, perSecond } = limits[name];
  return new ProblemError({
    status: 429,
    code: "rate_limited",
    reason: name,
    detail: `Your organisation's limit of ${name} is used up: ${burst} at once, and ${perSecond} a second after that. Wait as long as Retry-After says, then send the same request again.`,
    retryAfterMs: Math.max(1, Number((waitUs + 999n) / 1_000n)),
    cause,
  });
}
