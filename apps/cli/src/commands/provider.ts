// `openagents provider`: sell sandboxed runs of checks from this computer.

import {
  dataDirAt,
  findSeller,
  requireFreeSeat,
  sellerToWire,
  stopSeller,
  type SellerRecord,
  type SellerStop,
} from "@openagents/stack";
import { Command, Option } from "commander";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { collect, parseAmount, parseTime, parseWhole } from "../arguments.ts";
import { reportToParent, requireStarted, startDetached } from "../background.ts";
import { CliError, EXIT } from "../cli-error.ts";
import { dataDirOf, setBody, type Context, type GlobalOptions } from "../context.ts";
import {
  CSV_HEAD,
  TOOLCHAIN_OPTION,
  eventLine,
  eventToWire,
  identityOf,
  jobLines,
  jobsJson,
  listJobs,
  logNameOf,
  readState,
  sell,
  stateJson,
  stateLines,
  statementCsv,
  statementJson,
  statementLines,
  statementPages,
  type Identity,
  type IdentityOptions,
  type SellOptions,
  type StatementPeriod,
} from "../provider/index.ts";
import { addIdentityOptions } from "./identity-options.ts";
import { blockCommand, blocksCommand, unblockCommand } from "./provider-blocks.ts";
import { catchStopSignals } from "../stop-signals.ts";
import { formatSats, renderPairs, showSteps, silentSteps, type Step } from "../terminal/index.ts";

type StartOptions = SellOptions & GlobalOptions & { readonly detach?: true; readonly reportIpc?: true };

const HELP = `
A provider runs the checks of others in the sandbox, without network and without
your files, and is credited for what proves something. It is off until you start
it. By default it is this computer as your own device, on the stack of the data
directory: it runs again what you bought elsewhere. With --as NAME it sells in an
organisation apart, to try a market on one machine; with --runtime it sells to
another's runtime, as the token says.

Examples:
  openagents provider start                      # in this terminal, Ctrl-C stops
  openagents provider start --as eve --price 150sat --detach
  openagents provider status
  openagents provider stop --as eve

Exit codes: 0 done; 1 failed; 2 wrong arguments.`;

const START_HELP = `
Looks for the tools that jobs may use (node, npm, python3, make, cc, go, cargo) in
the system, on your path and where their installers keep them; --toolchain names
others, each in a folder of its own that holds bin/NAME. A job gets the tools that
it asks for, and never more memory or disk than you say here. The worker stays the
same from one start to the next, also after kill -9. With --json each event is one
line.

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
  openagents provider start --toolchain python3=/opt/python-3.13 --memory 4096
  OPENAGENTS_TOKEN=… openagents provider start --runtime https://runtime.example.org --price 200sat

Exit codes: 0 stopped as asked, or selling in the background; 1 did not start, or was disabled;
            2 wrong arguments.`;

const STOP_HELP = `
Asks the provider to stop and waits until it has: it takes no new job, and gives a
running one back to its buyer. One that does not end within 25 seconds is killed.
When none is running, says so and succeeds.

Examples:
  openagents provider stop
  openagents provider stop --as eve

Exit codes: 0 it does not run any more; 1 it could not be ended.`;

const STATUS_HELP = `
Shows whether this computer sells, at which price, how many jobs it did, what became
of the last one and why it was not paid for if so, and whether the market sees it.

Examples:
  openagents provider status
  openagents provider status --json | jq .worker

Exit codes: 0 looked, whatever the state; 1 could not look.`;

const JOBS_HELP = `
Shows the latest jobs of this provider, newest first: what became of each, what was
paid, and if nothing was, why. Those that went to another provider are among them.

Examples:
  openagents provider jobs
  openagents provider jobs --json | jq '.jobs[] | select(.unpaid_because)'

Exit codes: 0 shown; 1 could not look.`;

const STATEMENT_HELP = `
Shows what each job came to when its buyer settled, newest first: what was earned, what
the buyer paid the operator on top, the balance after it, and if nothing was paid, why.
Without --json or --csv, the latest 200; with them every line, one to a line.

Examples:
  openagents provider statement
  openagents provider statement --from 2027-01-01 --to 2027-02-01 --csv > january.csv
  openagents provider statement --json | jq -s 'map(.earned_msats) | add'

Exit codes: 0 shown; 1 could not look; 2 wrong arguments.`;

export function providerCommand(context: Context): Command {
  const provider = new Command("provider")
    .description("sell sandboxed runs from this computer")
    .addHelpText("after", HELP);
  return provider
    .addCommand(startCommand(context))
    .addCommand(stopCommand(context))
    .addCommand(statusCommand(context))
    .addCommand(jobsCommand(context))
    .addCommand(statementCommand(context))
    .addCommand(blockCommand(context))
    .addCommand(unblockCommand(context))
    .addCommand(blocksCommand(context));
}

function startCommand(context: Context): Command {
  const command = new Command("start")
    .description("begin to sell")
    .option("--price <amount>", "for one job, such as 200sat", parseAmount)
    .option(
      "--execution-price <amount>",
      "for one job that is paid for whatever its verdict (default: none is sold)",
      parseAmount,
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
    .addHelpText("after", START_HELP);
  addIdentityOptions(command);
  return setBody<StartOptions>(command, (options) => {
    const identity = identityOf(context, options);
    if (options.endpoint !== undefined && options.listen === undefined) {
      throw new CliError("usage", "--endpoint leads nowhere without --listen", {
        nextStep: "give --listen PORT too",
        exitCode: EXIT.usage,
      });
    }
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
        printReady(context, json, record, "Ctrl-C stops it.");
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
    printReady(context, json, record, `End it with \`openagents provider stop${identity.flags}\`.`);
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
  const { tokenFile, toolchain = [], price, executionPrice, perHourMax } = options;
  return [
    ...one("price", price === undefined ? undefined : `${price}msat`),
    ...one("execution-price", executionPrice === undefined ? undefined : `${executionPrice}msat`),
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

function printReady(context: Context, json: boolean, record: SellerRecord, hint: string): void {
  const { out } = context;
  if (json) {
    out.line(JSON.stringify({ type: "registered", ...sellerToWire(record) }));
    return;
  }
  const pairs = [
    ["worker", record.workerId],
    ["name", record.displayName],
    ["price", `${formatSats(record.priceMsats)} a job`],
    ["runtime", record.runtimeUrl],
    ["pid", String(record.pid)],
  ] as const;
  for (const line of renderPairs(pairs, out.style)) out.line(line);
  out.line(out.style.dim(hint));
}

function stopCommand(context: Context): Command {
  const command = new Command("stop").description("stop selling").addHelpText("after", STOP_HELP);
  addIdentityOptions(command);
  return setBody<IdentityOptions>(command, async (options) => {
    const { out } = context;
    const dataDir = dataDirAt(dataDirOf(context, options));
    const known = existsSync(dataDir.keys) || options.runtime !== undefined;
    const stopped: SellerStop = known
      ? await stopSeller(dataDir, identityOf(context, options).seat)
      : { outcome: "nothing_running", interrupted: [] };
    const { outcome, pid, record, interrupted } = stopped;
    if (options.json === true) {
      const worker = record?.workerId;
      out.line(JSON.stringify({ outcome, pid, worker_id: worker, interrupted, data_dir: dataDir.root }));
      return EXIT.ok;
    }
    const jobs = interrupted.join(", ");
    if (outcome === "nothing_running") out.line("no provider is running");
    if (outcome === "stopped") {
      const back = jobs === "" ? "" : `; ${jobs} went back to its buyer`;
      out.line(`${out.style.green("✓")} stopped${back}`);
    }
    if (outcome === "killed") {
      const back = jobs === "" ? "" : `; ${jobs} goes back to the market when its lease lapses`;
      out.line(`${out.style.yellow("✓")} killed: it did not end within 25 s${back}`);
    }
    return EXIT.ok;
  });
}

const JOBS_SHOWN = 50;

function jobsCommand(context: Context): Command {
  const command = new Command("jobs")
    .description("its latest jobs, and why one was not paid")
    .addHelpText("after", JOBS_HELP);
  addIdentityOptions(command);
  return setBody<IdentityOptions>(command, async (options) => {
    const jobs = await listJobs(identityOf(context, options), JOBS_SHOWN);
    const lines = options.json === true ? [await jobsJson(jobs)] : jobLines(jobs, context.out.style);
    for (const line of lines) context.out.line(line);
    return EXIT.ok;
  });
}

type StatementOptions = IdentityOptions & StatementPeriod & { readonly csv?: true };

function statementCommand(context: Context): Command {
  const command = new Command("statement")
    .description("what its jobs earned, and the balance")
    .option("--from <time>", "booked then or later, such as 2027-01-01 (UTC)", parseTime)
    .option("--to <time>", "booked before then", parseTime)
    .option("--csv", "comma-separated values with a head")
    .addHelpText("after", STATEMENT_HELP);
  addIdentityOptions(command);
  return setBody<StatementOptions>(command, async (options) => {
    const { from, to, csv, json } = options;
    if (csv === true && json === true) {
      throw new CliError("usage", "--csv and --json do not go together", {
        nextStep: "choose one",
        exitCode: EXIT.usage,
      });
    }
    const { out } = context;
    const pages = statementPages(identityOf(context, options), {
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
    });
    if (csv === true) out.line(CSV_HEAD);
    for await (const page of pages) {
      if (csv === true) for (const line of page) out.line(statementCsv(line));
      else if (json === true) for (const line of page) out.line(await statementJson(line));
      else {
        for (const line of statementLines(page, out.style)) out.line(line);
        break;
      }
    }
    return EXIT.ok;
  });
}

function statusCommand(context: Context): Command {
  const command = new Command("status").description("how it goes").addHelpText("after", STATUS_HELP);
  addIdentityOptions(command);
  return setBody<IdentityOptions>(command, async (options) => {
    const identity = identityOf(context, options);
    const state = await readState(identity);
    const lines =
      options.json === true
        ? [stateJson(state, context.nowMs())]
        : stateLines(state, identity.flags, context.nowMs(), context.out.style);
    for (const line of lines) context.out.line(line);
    return EXIT.ok;
  });
}
