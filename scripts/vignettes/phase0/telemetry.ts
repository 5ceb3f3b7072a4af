// The market's own numbers for the buyers of the vignettes, and whether they say
// what the runs' logs say.

import type { RuntimeClients } from "@openagents/autopilot";
import type { JobRecord } from "./metrics.ts";

export type Telemetry = {
  readonly quoted: number;
  readonly unfilled: number;
  readonly dispatched: number;
  readonly released: number;
  readonly withheld: number;
  readonly latency_samples: number;
  /** Of the buyer that bought most; right to within a fifth. */
  readonly latency_p50_ms: number | null;
  /** Where it differs from the runs' logs; empty when it does not. */
  readonly differs: readonly string[];
};

export async function readTelemetry(
  buyers: readonly RuntimeClients[],
  jobs: readonly JobRecord[],
  signal: AbortSignal,
): Promise<Telemetry> {
  const answers = await Promise.all(
    buyers.map(({ marketplace }) => marketplace.getComputeTelemetry({}, { signal })),
  );
  const sum = (name: "quoted" | "unfilled" | "dispatched" | "released" | "withheld" | "latencySamples") =>
    answers.reduce((total, answer) => total + Number(answer[name]), 0);
  const work = jobs.filter(({ purpose }) => purpose === "work");
  const told = {
    quoted: sum("quoted"),
    unfilled: sum("unfilled"),
    dispatched: sum("dispatched"),
    released: sum("released"),
    withheld: sum("withheld"),
    latency_samples: sum("latencySamples"),
  };
  const logged = {
    dispatched: work.length,
    released: work.filter(({ settled }) => settled === "released").length,
    withheld: work.filter(({ settled }) => settled === "withheld").length,
    latency_samples: jobs.filter(({ outcome }) => outcome === "reported").length,
  };
  const most = answers.toSorted((a, b) => Number(b.latencySamples - a.latencySamples))[0];
  return {
    ...told,
    latency_p50_ms: most?.latencyP50Ms === undefined ? null : Number(most.latencyP50Ms),
    differs: (Object.keys(logged) as (keyof typeof logged)[])
      .filter((name) => told[name] !== logged[name])
      .map((name) => `${name}: the market counts ${told[name]}, the logs ${logged[name]}`),
  };
}
