import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MarketReport } from "@openagents/simulation";
import { Command } from "commander";
import { parseWhole } from "../arguments.ts";
import { EXIT } from "../cli-error.ts";
import { setBody, type Context } from "../context.ts";
import { catchStopSignals } from "../stop-signals.ts";
import { formatSats, renderPairs, renderTable, showSteps, type Style } from "../terminal/index.ts";

type MarketOptions = {
  readonly providers: number;
  readonly buyers: number;
  readonly jobs: number;
  readonly seed: number;
  readonly json?: boolean;
};

const HELP = `
A simulation: its providers and buyers are made up, no check is run, and its money
buys nothing. What decides is the product: the real runtime on a database of its
own, over HTTP, on a clock that runs ahead. Among the providers are liars, lazy,
slow, flaky and dying ones; among the buyers, some that vanish, grasp, or are broke.

Beside each step it checks in the database that money is conserved, and at the end
all the books. The same seed gives the same figures; only ids differ.

Example:
  openagents sim market --providers 50 --buyers 20 --jobs 20000 --seed 1

Exit codes: 0 the books held throughout, and no blameless provider was struck; 1 not so.`;

export function simCommand(context: Context): Command {
  const market = new Command("market")
    .description("simulate a market of liars, crashes and honest people")
    .option("--providers <n>", "how many sell", parseWhole(4, 500, "a number of providers"), 50)
    .option("--buyers <n>", "how many buy", parseWhole(1, 500, "a number of buyers"), 20)
    .option("--jobs <n>", "how many checks are wanted", parseWhole(1, 1_000_000, "a number of jobs"), 1_000)
    .option("--seed <n>", "of everything that is left to chance", parseWhole(0, 999_999_999, "a seed"), 1)
    .addHelpText("after", HELP);
  setBody<MarketOptions>(market, (options) => simulate(context, options));
  return new Command("sim")
    .description("simulations, on a clock of their own")
    .addCommand(market)
    .addHelpText("after", HELP);
}

async function simulate(context: Context, options: MarketOptions): Promise<number> {
  const { providers, buyers, jobs, seed } = options;
  const { ordinaryPopulation, simulateMarket } = await import("@openagents/simulation");
  const { provisionDatabase, startEmbeddedPostgres } = await import("@openagents/postgres");
  const steps = showSteps(options.json === true ? context.err : context.out, context.nowMs);
  using stop = catchStopSignals(() => steps.line("Stopping; nothing of a simulation is kept."));
  const folder = mkdtempSync(join(tmpdir(), "openagents-simulation-"));
  await using parts = new AsyncDisposableStack();
  parts.defer(() => rmSync(folder, { recursive: true, force: true }));
  try {
    const starting = steps.start("database", "of its own");
    const server = await startEmbeddedPostgres({ dataDir: join(folder, "postgres") });
    parts.defer(() => server.stop());
    const password = crypto.randomUUID();
    const { appUrl, ownerUrl } = await provisionDatabase(server.adminUrl, {
      database: "simulation",
      owner: { role: "simulation_owner", password },
      app: { role: "simulation_app", password },
    });
    starting.done("empty");
    const step = steps.start(
      "simulate",
      `a market of ${providers} providers and ${buyers} buyers, seed ${seed}`,
    );
    const report = await simulateMarket({
      databaseUrl: withoutWaiting(appUrl),
      ownerDatabaseUrl: ownerUrl,
      jobs,
      seed,
      ...ordinaryPopulation(seed, providers, buyers),
      signal: stop.signal,
      onProgress: (ordered, wanted) => {
        if (ordered % 50 === 0) step.update(`${ordered} of ${wanted} orders`);
      },
    });
    step.done(`${report.events} steps, money conserved throughout`);
    steps.close();
    if (options.json === true) context.out.line(jsonOf(options, report));
    else for (const line of linesOf(report, context.out.style)) context.out.line(line);
    return report.falseStrikes === 0 && report.stuckMsats === 0n ? EXIT.ok : EXIT.failed;
  } catch (error) {
    steps.close();
    if (stop.signal.aborted) return EXIT.interrupted;
    throw error;
  }
}

/** Nothing of a simulation is kept, so that no commit need wait for the disk. */
function withoutWaiting(databaseUrl: string): string {
  const url = new URL(databaseUrl);
  url.searchParams.set("options", "-c synchronous_commit=off");
  return url.href;
}

/** Amounts are msats, shares basis points, times milliseconds of the simulated clock. */
function jsonOf(options: MarketOptions, report: MarketReport): string {
  const { providers, buyers, jobs, seed } = options;
  return JSON.stringify(
    { simulation: { providers, buyers, jobs, seed }, ...report },
    (_key, value: unknown) => (typeof value === "bigint" ? Number(value) : value),
  );
}

function linesOf(report: MarketReport, style: Style): string[] {
  const { sampling } = report;
  const pairs: [string, string][] = [
    [
      "orders",
      `${report.wanted} wanted, ${report.dispatched} dispatched, ${report.unfilled} without a provider, ${report.unfunded} without money`,
    ],
    ["fill rate", `${percent(report.fillRateBps)} of those that could be paid`],
    ["settled", `${report.released} paid, ${report.withheld} withheld, ${report.givenUp} given back`],
    ["mean cost", formatSats(BigInt(report.meanCostMsats))],
    ["latency", `p50 ${seconds(report.latencyMsP50)}, p95 ${seconds(report.latencyMsP95)}`],
    [
      "lost to lies",
      `${formatSats(report.fraudLossMsats)} in ${report.fraudLosses} jobs, ${report.liesAgreed} of them because who ran it again lied too`,
    ],
    [
      "left to the draw",
      `${sampling.drawn} of ${sampling.lies} lies drawn, at a rate of ${percent(sampling.rateBps)}`,
    ],
    ["incidents", String(report.incidents)],
    ["false strikes", String(report.falseStrikes)],
    [
      "refused",
      `${report.lateRefused} late results, ${report.reportsRefused} reports, ${report.graspsRefused} orders and voids a second time`,
    ],
    ["stuck money", formatSats(report.stuckMsats)],
    ["clock", `${(report.simulatedMs / 3_600_000).toFixed(1)} h simulated`],
  ];
  const struck = report.struck.map(({ behaviour, providers, strikes, quarantined }) => [
    behaviour,
    String(providers),
    String(strikes),
    String(quarantined),
  ]);
  const lies = report.lies.map(({ lie, caughtBy, told, found, paid }) => [
    lie,
    caughtBy === "rule" ? "a rule" : "a second run",
    String(told),
    String(found),
    String(paid),
  ]);
  const right = "right" as const;
  return [
    "",
    style.bold("Simulated market: no check was run, and no money is real"),
    ...renderPairs(pairs, style),
    "",
    ...renderTable(
      [
        { title: "providers" },
        { title: "number", align: right },
        { title: "strikes", align: right },
        { title: "quarantined", align: right },
      ],
      struck,
      style,
    ),
    "",
    ...renderTable(
      [
        { title: "lie" },
        { title: "caught by" },
        { title: "told", align: right },
        { title: "found", align: right },
        { title: "paid", align: right },
      ],
      lies,
      style,
    ),
  ];
}

function percent(bps: number): string {
  return `${(bps / 100).toFixed(1)} %`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(0)} s`;
}
