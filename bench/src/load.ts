// A closed loop of clients: each sends its next request when the last is
// answered, over a connection of its own, for a given time.

import { Pool } from "undici";

export type Request = {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
};

export type Figures = {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly answers: number;
};

/** Throws when an answer has another status than expected: a fast refusal is no throughput. */
export async function measure(options: {
  readonly url: string;
  readonly clients: number;
  readonly seconds: number;
  readonly expectedStatus: number;
  /** The n-th request of a client. */
  readonly next: (client: number, n: number) => Request;
}): Promise<Figures> {
  const pool = new Pool(options.url, { connections: options.clients, pipelining: 1 });
  const latenciesMs: number[] = [];
  const startedAt = performance.now();
  const endAt = startedAt + options.seconds * 1000;
  const client = async (index: number) => {
    for (let n = 0; performance.now() < endAt; n += 1) {
      const { path, headers, body } = options.next(index, n);
      const sentAt = performance.now();
      const answer = await pool.request({ path, method: "POST", headers, body });
      const text = await answer.body.text();
      if (answer.statusCode !== options.expectedStatus) throw new Error(`${answer.statusCode}: ${text}`);
      latenciesMs.push(performance.now() - sentAt);
    }
  };
  await Promise.all(Array.from({ length: options.clients }, (_, index) => client(index)));
  const elapsedS = (performance.now() - startedAt) / 1000;
  await pool.close();
  latenciesMs.sort((a, b) => a - b);
  return {
    perSecond: latenciesMs.length / elapsedS,
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
    answers: latenciesMs.length,
  };
}

function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );
}
