// `openagents provider start`: sell in this terminal or in the background.

import { findSeller, requireFreeSeat, sellerToWire, type SellerRecord } from "@openagents/stack";
import { Command, Option } from "commander";
import { resolve } from "node:path";
import { collect, parseAmount, parseWhole } from "../arguments.ts";
import { reportToParent, requireStarted, startDetached } from "../background.ts";
import { CliError, EXIT } from "../cli-error.ts";
import { dataDirOf, setBody, type Context, type GlobalOptions } from "../context.ts";
import {
  TOOLCHAIN_OPTION,
  bandText,
  collectBand,
  eventLine,
  eventToWire,
  identityOf,
  logNameOf,
  priceWords,
  pricesOf,
  sell,
  type Identity,
  type Prices,
  type SellOptions,
} from "../provider/index.ts";
import { catchStopSignals } from "../stop-signals.ts";
import { renderPairs, showSteps, silentSteps, type Step } from "../terminal/index.ts";
import { addIdentityOptions } from "./identity-options.ts";

type StartOptions = SellOptions & GlobalOptions & { readonly detach?: true; readonly reportIpc?: true };

const HELP = `
Looks for the tools that jobs may use (node, npm, python3, make, cc, go, cargo) in
the system, on your path and where their installers keep them; --toolchain names
others, each in a folder of its own that holds bin/NAME. A job gets the tools that
it asks for, and never more memory or disk than you say here. The worker stays the
same from one start to the next, also after kill -9. With --json each event is one
line.

A job is paid for when its check passes (--price), or whatever its verdict
(--execution-price); with both, buyers choose, and --pay-on sells one of them only. A
band takes the place of that price for one job type, oa.sandbox_run.v1 unless another is
put before it, such as oa.repo_index.v1:outcome=5sat..5sat. Its price is MIN while you
have no job open, STEP more for each that is, and never over MAX.

It asks the runtime for jobs, which works behind any router. With --listen the
runtime also tells it of each, by POST /v1/sandbox_run on that port, and it asks
once a minute only. It hears what the runtime signed and nothing else, and takes the
job as it would have without. A runtime elsewhere calls https addresses on the public
internet alone: name with --endpoint the one of a proxy of yours that leads to the
port.

With --opinions it also takes part in panels, with a program of yours: FOLDER/answer, run
in the sandbox on a copy of FOLDER, without network. It reads a question as JSON and
prints its answer as JSON: for oa.code_chunk_analysis.v1 {question, labels, chunks:
[{chunk_id, path, text}]} and {"findings": [{"chunk_id", "label"}]}, one for each chunk in
order; for oa.retrieval_rerank.v1 {query, top_k, candidates: [{candidate_id, text}]} and
{"ranked_ids": […]}, top_k of them. "remarks" may say why. Nothing answers in its place.

Examples:
  openagents provider start
  openagents provider start --as eve --listen 4190
  openagents provider start --opinions ./judge
  openagents provider start --as eve --price-band outcome=150sat+50sat..400sat --concurrent 4
  openagents provider start --as eve --pay-on execution --execution-price 90sat
  openagents provider start --toolchain python3=/opt/python-3.13 --memory 4096
  OPENAGENTS_TOKEN=… openagents provider start --runtime https://runtime.example.org --price 200sat

Exit codes: 0 stopped as asked, or selling in the background; 1 did not start, or was disabled;
            2 wrong arguments.`;

export function startCommand(context: Context): Command {
  const command = new Command("start")
    .description("begin to sell")
    .option("--price <amount>", "for one job, such as 200sat", parseAmount)
    .option(
      "--execution-price <amount>",
      "for one job that is paid for whatever its verdict (default: none is sold)",
      parseAmount,
    )
    .addOption(
      new Option(
        "--pay-on <what>",
        "sell this way only: paid when the check passes, or whatever its verdict",
      ).choices(["outcome", "execution"]),
    )
    .option(
      "--price-band <band>",
      "a price that rises with the jobs you have open: outcome=MIN+STEP..MAX; may be repeated",
      collectBand,
    )
    .option("--name <text>", "what buyers see")
    .option(TOOLCHAIN_OPTION, "lend this tool too; may be repeated", collect)
    .option(
      "--memory <mib>",
      "the most that a command may use (default: 2048)",
      parseWhole(64, 1_048_576, "MiB"),
    )
    .option("--disk <mib>", "the most that a job may write (default: 1024)", parseWhole(16, 1_048_576, "MiB"))
    .option(
      "--cpu-max <seconds>",
      "the most processor time of a command (default: as much as a job asks for)",
      parseWhole(1, 36_000, "seconds"),
    )
    .option(
      "--per-hour-max <amount>",
      "the most that the jobs which it takes within an hour are priced at (default: any)",
      parseAmount,
    )
    .option("--concurrent <n>", "jobs at one time (default: 1)", parseWhole(1, 64, "a number of jobs"))
    .option(
      "--listen <port>",
      "be told of jobs here, on loopback, and ask for them seldom",
      parseWhole(1, 65_535, "a port"),
    )
    .option("--endpoint <url>", "what leads to --listen from the runtime (default: the port itself)")
    .option("--opinions <folder>", "also answer what takes judgement, with the program FOLDER/answer")
    .option("-d, --detach", "sell in the background and return when it is registered")
    .addOption(new Option("--report-ipc").hideHelp())
    .addHelpText("after", HELP);
  addIdentityOptions(command);
  return setBody<StartOptions>(command, (options) => {
    const identity = identityOf(context, options);
    if (options.endpoint !== undefined && options.listen === undefined) {
      throw new CliError("usage", "--endpoint leads nowhere without --listen", {
        nextStep: "give --listen PORT too",
        exitCode: EXIT.usage,
      });
    }
    pricesOf(options, identity.priceMsats);
    if (options.reportIpc === true)
      return reportToParent((onReady) => serve(context, identity, options, onReady));
    return options.detach === true ? detach(context, identity, options) : serve(context, identity, options);
  });
}

/** Sell here until a signal asks to stop. */
async function serve(
  context: Context,
  identity: Identity,
  options: StartOptions,
  onReady: () => void = () => undefined,
): Promise<number> {
  const { out } = context;
  const json = options.json === true;
  const steps = json ? silentSteps : showSteps(out, context.nowMs);
  using stop = catchStopSignals(() => {
    if (context.err.isTty) context.err.line("Stopping; Ctrl-C again forces it.");
  });
  let step: Step | undefined;
  try {
    const end = await sell(context, identity, options, stop.signal, {
      step(name) {
        const started = steps.start(name);
        step = started;
        return (detail) => started.done(detail);
      },
      ready(record) {
        step = undefined;
        printReady(context, json, record, pricesOf(options, identity.priceMsats), "Ctrl-C stops it.");
        onReady();
      },
      event: (event) =>
        out.line(
          json
            ? JSON.stringify(eventToWire(event, context.nowMs()))
            : eventLine(event, context.nowMs(), out.style),
        ),
    });
    if (end.reason === "stopped") {
      if (!json) out.line(`${out.style.green("✓")} stopped`);
      return EXIT.ok;
    }
    throw new CliError(end.reason, `the worker ${end.workerId} ${ENDINGS[end.reason].what}`, {
      nextStep: ENDINGS[end.reason].nextStep,
    });
  } catch (error) {
    step?.failed("");
    // Asked to stop before it had begun: that is what was wanted.
    if (stop.signal.aborted && !(error instanceof CliError)) return EXIT.ok;
    throw error;
  } finally {
    steps.close();
  }
}

const ENDINGS = {
  worker_disabled: {
    what: "was disabled",
    nextStep: "ask who disabled it; a new worker needs a provider of another name (--as)",
  },
  worker_quarantined: {
    what: "is quarantined after three strikes",
    nextStep: "see its incidents with the operator, who can lift it",
  },
  worker_stopped: {
    what: "was stopped from elsewhere",
    nextStep: "start it again with `openagents provider start`",
  },
} as const;

async function detach(context: Context, identity: Identity, options: StartOptions): Promise<number> {
  // What can be refused here is refused here.
  requireFreeSeat(identity.seat);
  identity.client();
  const dataDir = dataDirOf(context, options);
  const json = options.json === true;
  using stop = catchStopSignals(() => undefined);
  const steps = json ? silentSteps : showSteps(context.out, context.nowMs);
  const step = steps.start("provider", "starting in the background");
  try {
    const name = logNameOf(identity);
    const args = ["provider", "start", ...argumentsOf(options)];
    await startDetached(context, { args, dataDir, name, signal: stop.signal });
    const record = requireStarted(findSeller(identity.seat), name, dataDir);
    step.done();
    printReady(
      context,
      json,
      record,
      pricesOf(options, identity.priceMsats),
      `End it with \`openagents provider stop${identity.flags}\`.`,
    );
    return EXIT.ok;
  } catch (error) {
    step.failed("");
    throw error;
  } finally {
    steps.close();
  }
}

/** The same options for a process that runs elsewhere: its paths are absolute. */
function argumentsOf(options: StartOptions): string[] {
  const one = (name: string, value: string | number | undefined) =>
    value === undefined ? [] : [`--${name}`, String(value)];
  const { tokenFile, toolchain = [], price, executionPrice, priceBand = [], perHourMax } = options;
  return [
    ...one("price", price === undefined ? undefined : `${price}msat`),
    ...one("execution-price", executionPrice === undefined ? undefined : `${executionPrice}msat`),
    ...one("pay-on", options.payOn),
    ...priceBand.flatMap((band) => one("price-band", bandText(band))),
    ...one("name", options.name),
    ...toolchain.flatMap((text) => one("toolchain", absoluteToolchain(text))),
    ...one("memory", options.memory),
    ...one("disk", options.disk),
    ...one("cpu-max", options.cpuMax),
    ...one("per-hour-max", perHourMax === undefined ? undefined : `${perHourMax}msat`),
    ...one("concurrent", options.concurrent),
    ...one("listen", options.listen),
    ...one("endpoint", options.endpoint),
    ...one("opinions", options.opinions === undefined ? undefined : resolve(options.opinions)),
    ...one("as", options.as),
    ...one("runtime", options.runtime),
    ...one("token-file", tokenFile === undefined ? undefined : resolve(tokenFile)),
  ];
}

function absoluteToolchain(text: string): string {
  const at = text.indexOf("=");
  return at === -1 ? text : `${text.slice(0, at)}=${resolve(text.slice(at + 1))}`;
}

function printReady(
  context: Context,
  json: boolean,
  record: SellerRecord,
  prices: Prices,
  hint: string,
): void {
  const { out } = context;
  if (json) {
    out.line(JSON.stringify({ type: "registered", ...sellerToWire(record) }));
    return;
  }
  const pairs = [
    ["worker", record.workerId],
    ["name", record.displayName],
    ["price", priceWords(prices)],
    ["runtime", record.runtimeUrl],
    ["pid", String(record.pid)],
  ] as const;
  for (const line of renderPairs(pairs, out.style)) out.line(line);
  out.line(out.style.dim(hint));
}
