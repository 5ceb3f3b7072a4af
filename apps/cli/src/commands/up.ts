// `openagents up`: the stack in the foreground, or started in the background.

import { homeFolder, openStackLog, recordToWire, startStack, type StackRecord } from "@openagents/stack";
import { Command, Option } from "commander";
import { parsePortBase } from "../arguments.ts";
import { reportToParent, startInBackground } from "../background.ts";
import { EXIT } from "../cli-error.ts";
import { buildConsole, requestLocalLink } from "../console/index.ts";
import {
  addDataDirOption,
  dataDirOf,
  setBody,
  type Context,
  type DataDirOption,
  type GlobalOptions,
} from "../context.ts";
import { catchStopSignals } from "../stop-signals.ts";
import { renderPairs, showSteps, silentSteps, type Step } from "../terminal/index.ts";

type UpOptions = DataDirOption &
  GlobalOptions & { readonly detach?: true; readonly portBase?: number; readonly reportIpc?: true };

const HELP = `
Starts PostgreSQL, the runtime, the control service with its console, and the sync
server on loopback, migrates their databases, and serves
until Ctrl-C or SIGTERM: then it finishes what is running, and stops. A second
Ctrl-C forces. The data directory holds keys, database, artifacts, bundles and
logs; it is made when absent, and one stack at a time may use it. After a crash
or kill -9 the next \`up\` recovers; nothing that was acknowledged is lost.

With DATABASE_URL set, that PostgreSQL server is used in place of the embedded
one; the address must be an administrator's.

Examples:
  openagents up                                 # serve in this terminal
  openagents up --detach                        # serve in the background
  openagents up --data-dir ./two --port-base 0  # a second stack, beside the first

Exit codes: 0 stopped as asked, or ready in the background; 1 did not start.`;

export function upCommand(context: Context): Command {
  const command = new Command("up")
    .description("start the stack")
    .option("-d, --detach", "start in the background and return when it is ready")
    .option(
      "--port-base <n>",
      "count ports up from n; 0 takes free ones (default: the usual ports, runtime 4100, sync 3000, console 8787)",
      parsePortBase,
    )
    .addOption(new Option("--report-ipc").hideHelp())
    .addHelpText("after", HELP);
  addDataDirOption(command);
  return setBody<UpOptions>(command, (options) => {
    if (options.reportIpc === true) return reportToParent((onReady) => serve(context, options, onReady));
    return options.detach === true ? detach(context, options) : serveHere(context, options);
  });
}

async function serveHere(context: Context, options: UpOptions): Promise<number> {
  const { out } = context;
  const steps = options.json === true ? silentSteps : showSteps(out, context.nowMs);
  let step: Step | undefined;
  try {
    const onReady = async (record: StackRecord) => {
      step?.done();
      step = undefined;
      await printReady(context, options, record, "Ctrl-C stops it.");
    };
    return await serve(context, options, onReady, (name) => {
      step?.done();
      step = steps.start(name);
    });
  } catch (error) {
    step?.failed("");
    throw error;
  } finally {
    steps.close();
  }
}

/** Serve until a signal asks to stop. */
async function serve(
  context: Context,
  options: UpOptions,
  onReady: (record: StackRecord) => void | Promise<void>,
  onStep: (name: string) => void = () => undefined,
): Promise<number> {
  const dataDir = dataDirOf(context, options);
  const built = buildConsole(context, openStackLog(dataDir));
  using stop = catchStopSignals(() => {
    if (context.err.isTty) context.err.line("Stopping; Ctrl-C again forces it.");
  });
  const stack = await startStack({
    dataDir,
    home: homeFolder(context.env),
    portBase: options.portBase,
    databaseUrl: context.env["DATABASE_URL"],
    env: context.env,
    version: context.version,
    log: openStackLog(dataDir),
    onStep,
  });
  try {
    onStep("console");
    await built;
    if (!stop.signal.aborted) await onReady(stack.record);
    await stop.asked;
  } finally {
    await stack.stop();
  }
  return EXIT.ok;
}

async function detach(context: Context, options: UpOptions): Promise<number> {
  const dataDir = dataDirOf(context, options);
  using stop = catchStopSignals(() => undefined);
  const steps = options.json === true ? silentSteps : showSteps(context.out, context.nowMs);
  const step = steps.start("stack", "starting in the background");
  try {
    const record = await startInBackground(context, {
      dataDir,
      portBase: options.portBase,
      signal: stop.signal,
    });
    step.done();
    await printReady(context, options, record, "End it with `openagents down`.");
    return EXIT.ok;
  } catch (error) {
    step.failed("");
    throw error;
  } finally {
    steps.close();
  }
}

async function printReady(
  context: Context,
  options: UpOptions,
  record: StackRecord,
  hint: string,
): Promise<void> {
  const { out } = context;
  if (options.json === true) {
    out.line(JSON.stringify(recordToWire(record)));
    return;
  }
  const pairs = [
    ["runtime", record.runtimeUrl],
    ["sync", record.syncUrl],
    ["console", record.controlUrl],
    ["data", record.dataDir],
    ["operator", record.operatorPublicKey],
    ["pid", String(record.pid)],
  ] as const;
  for (const line of renderPairs(pairs, out.style)) out.line(line);
  // On a terminal alone: it signs in whoever follows it, and logs are kept.
  if (out.isTty) {
    const { url } = await requestLocalLink(context, record);
    out.line(`Sign in to the console, once, within ten minutes: ${url}`);
  } else out.line("`openagents console` prints a link that signs you in to the console.");
  out.line(out.style.dim(hint));
}
