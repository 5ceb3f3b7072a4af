// `openagents demo`: from an issue to a checked patch, on this computer.

import { Command } from "commander";
import { parsePortBase } from "../arguments.ts";
import { EXIT } from "../cli-error.ts";
import { addDataDirOption, dataDirOf, setBody, type Context, type DataDirOption } from "../context.ts";
import { noReport, reportJson, reportLines, runDemo } from "../demo/index.ts";
import { catchStopSignals } from "../stop-signals.ts";
import { showSteps } from "../terminal/index.ts";

type DemoOptions = DataDirOption & { readonly portBase?: number; readonly keep?: true };

const HELP = `
Takes the bundled broken repository and its issue, lets a scripted agent fix it,
buys a sandboxed run of the check from the cheaper of two local providers, has this
computer run it again, settles after the verdict, writes the Verified Patch Bundle,
and verifies it as an outsider would. Each step is shown as it happens.

Its money is demo credit from a receipted grant: providers are credited, no
satoshi moves.

On a stack that already runs on the data directory it uses that one and leaves it
running. Otherwise it starts one and stops it at the end, unless --keep.

With --json, progress goes to standard error, and standard output is one line:
  {"ok","run_id","verdict","assurance","proof","base_exit_code",
   "patched_exit_code","guard_exit_code","provider_id","amount_msats",
   "settlement_status","bundle_dir"}

Examples:
  openagents demo
  openagents demo --keep           # and look around with status, runs, ledger
  openagents demo --json 2>/dev/null | jq -r .bundle_dir

Exit codes: 0 proven, verified, credited, and the bundle verifies; 1 not so;
            130 interrupted.`;

export function demoCommand(context: Context): Command {
  const command = new Command("demo")
    .description("an issue to a checked patch, on this computer")
    .option("--keep", "leave the stack running at the end")
    .option(
      "--port-base <n>",
      "count ports up from n; 0 takes free ones (default: the usual, or free ones)",
      parsePortBase,
    )
    .addHelpText("after", HELP);
  addDataDirOption(command);
  return setBody<DemoOptions>(command, (options) => demo(context, options, options.json === true));
}

async function demo(context: Context, options: DemoOptions, json: boolean): Promise<number> {
  // Progress never mixes with the one line that a machine reads.
  const steps = showSteps(json ? context.err : context.out, context.nowMs);
  using stop = catchStopSignals(() => steps.line("Stopping; Ctrl-C again forces it."));
  try {
    const report = await runDemo(
      context,
      {
        dataDir: dataDirOf(context, options),
        portBase: options.portBase,
        keep: options.keep === true,
        signal: stop.signal,
        style: (json ? context.err : context.out).style,
      },
      steps,
    );
    steps.close();
    if (json) context.out.line(reportJson(report));
    else for (const line of reportLines(report, context.out.style)) context.out.line(line);
    if (stop.signal.aborted) return EXIT.interrupted;
    return report.ok ? EXIT.ok : EXIT.failed;
  } catch (error) {
    steps.close();
    if (json) context.out.line(reportJson(noReport));
    if (stop.signal.aborted) return EXIT.interrupted;
    throw error;
  }
}
