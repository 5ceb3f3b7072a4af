// How much an organisation may ask for at once, and how fast that comes back. Pure.

export type LimitClass = "quotes" | "dispatches" | "registrations" | "polls";

export type Limit = {
  /** As many at once, when nothing was asked for a while. */
  readonly burst: number;
  readonly perSecond: number;
};

export type Limits = Readonly<Record<LimitClass, Limit>>;

/** Above what any buyer or provider needs that is not out of control. */
export const DEFAULT_LIMITS: Limits = {
  quotes: { burst: 5_000, perSecond: 500 },
  dispatches: { burst: 5_000, perSecond: 500 },
  registrations: { burst: 1_000, perSecond: 20 },
  polls: { burst: 2_000, perSecond: 100 },
};

/** What one request moves its bucket by, and how far ahead of the clock it may be. */
export function spanOf({ burst, perSecond }: Limit): {
  readonly intervalUs: bigint;
  readonly windowUs: bigint;
} {
  const intervalUs = BigInt(Math.ceil(1_000_000 / perSecond));
  return { intervalUs, windowUs: intervalUs * BigInt(burst) };
}

/** The named classes of a text such as `quotes=100/10,polls=50/1` (burst/per second), over the defaults. Throws RangeError. */
export function parseLimits(text: string): Limits {
  const limits: Record<LimitClass, Limit> = { ...DEFAULT_LIMITS };
  for (const part of text.split(",").filter((each) => each !== "")) {
    const [, name = "", burst, perSecond] =
      /^([a-z]+)=([0-9]{1,7})[/]([0-9]{1,6}(?:[.][0-9]{1,3})?)$/.exec(part) ?? [];
    const limit = { burst: Number(burst), perSecond: Number(perSecond) };
    if (!isLimitClass(name) || !(limit.burst >= 1) || !(limit.perSecond > 0))
      throw new RangeError(`\`${part}\` is no limit; write CLASS=BURST/PER_SECOND, such as quotes=100/10`);
    limits[name] = limit;
  }
  return limits;
}

function isLimitClass(name: string): name is LimitClass {
  return Object.hasOwn(DEFAULT_LIMITS, name);
}
