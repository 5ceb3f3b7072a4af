// `openagents run`: from an issue to a bundle and a branch.

import type { RunOutcome } from "@openagents/autopilot";
import { Command, Option } from "commander";
import { collect, parsePortBase, parseRunId } from "../arguments.ts";
import { CliError, EXIT } from "../cli-error.ts";
import { addDataDirOption, dataDirOf, setBody, type Context } from "../context.ts";
import { clientOf, openCredit, openPlace, openProviders, stopPlace, waitForUsers } from "../place/index.ts";
import {
  parseAttempts,
  parseBudget,
  requestOf,
  runDeps,
  runExitCode,
  runJson,
  runLines,
  showRun,
  type RunArguments,
} from "../runs/index.ts";
import { addRemoteOptions, remoteClient, type RemoteOptions } from "../remote-runtime.ts";
import { catchStopSignals } from "../stop-signals.ts";
import { formatSats, showSteps, type StepList } from "../terminal/index.ts";

type RunOptions = RemoteOptions &
  RunArguments & {
    readonly resume?: string;
    readonly portBase?: number;
  };

const HELP = `
Lets an agent work on the issue in a folder of its own, buys a sandboxed run of the
check from a provider, has somebody else run it again, settles after the verdict,
writes the Verified Patch Bundle, and, when the patch is proven, makes the branch
openagents/… in your repository: one commit on your HEAD. Your files, your index
and your branch stay as they are. What you did not commit is not part of it.

A patch that fails goes back to the agent with the output, up to --attempts times,
within one budget; a recorded one (script:FILE) is tried once unless --attempts says
otherwise. A patch that changes what decides about it waits for your word:
openagents runs accept ID, or openagents runs reject ID. Who ran the check a second
time is paid the price of that in both cases, because it was asked for and done.

With --pay-on execution a provider is paid for an honest run also when the check fails,
which costs less where it is sold, and each attempt costs. A provider that does not come
or cannot is replaced for no more than was set aside: --fallback says by whom.

A folder without .git gets no branch: its patch stays in the bundle, for git apply.

An issue may be given by its address on GitHub, Gitea or Forgejo. With --pr, a patch that
holds becomes exactly one pull request there, however often it is tried: with the summary,
and, for an issue of that repository, one comment that says how the run stands. It needs a
token that may push: OPENAGENTS_FORGE_TOKEN, or on GitHub GITHUB_TOKEN. Your HEAD must be
pushed already.

Ctrl-C stops the run and keeps it: openagents run --resume ID goes on, also after a
crash. openagents runs cancel ID ends it. On another computer, --resume ID --runtime URL
goes on from the last thing that was made, bought or decided; a turn of the agent whose
patch was not kept yet is taken again. The branch is made where your repository is.

The check: --check, else \`check\` in .openagents/config.json, else what the
project's manifest says (npm, Python, Go, Cargo, Make). Dependencies of npm, pnpm
and pip projects travel along, installed without their scripts unless --allow-scripts.

On a stack that runs on the data directory it uses that one; otherwise it starts one
for the duration. On a stack without money of its own it takes demo credit, and says so.

With --json, progress goes to standard error, and standard output is one line: ids,
verdict, assurance, spent_msats, bundle_dir, branch, pull_request_url, problem.

Examples:
  openagents run --issue "fill() drops the last line"
  openagents run --repo ../lib --issue issue.md --check "npm test" --budget 2000sat
  openagents run --issue issue.md --agent script:fix.patch
  openagents run --issue https://github.com/OWNER/REPOSITORY/issues/7 --pr
  openagents run --resume run_0123456789abcdef0123456789abcdef

Exit codes: 0 proven and verified; 1 not so; 2 wrong arguments; 3 waits for your
            review; 130 interrupted, and can be resumed.`;

export function runCommand(context: Context): Command {
  const command = new Command("run")
    .description("an issue to a verified patch, in your repository")
    .option("--repo <path-or-url>", "a folder, or an address to clone (default: this folder)")
    .option(
      "--issue <issue>",
      "what is to be done: a text or a file, whose first line is the title, or an address",
    )
    .option("--agent <agent>", "codex, acp:COMMAND, or script:FILE (default: codex)")
    .option("--check <command>", "decides whether the patch is good; may be repeated", collect)
    .option("--budget <amount>", "the most that all attempts cost (default: 5000sat)", parseBudget)
    .option("--attempts <n>", "how often the agent may try, 1 to 10 (default: 3; script: 1)", parseAttempts)
    .addOption(
      new Option("--second-opinion <whose>", "who runs the check again (default: any)").choices([
        "any",
        "self",
        "independent",
      ]),
    )
    .addOption(
      new Option("--policy <preference>", "which provider (default: cheapest)").choices([
        "cheapest",
        "balanced",
        "fastest",
      ]),
    )
    .addOption(
      new Option(
        "--pay-on <what>",
        "pay when the check passes, or for its run whatever the verdict (default: outcome)",
      ).choices(["outcome", "execution"]),
    )
    .addOption(
      new Option(
        "--fallback <who>",
        "who does the job when its provider cannot: whoever sells it, the operator's reserve, or nobody (default: market)",
      ).choices(["market", "reserve", "none"]),
    )
    .option("--market", "let everyone who sells have the source, not only your devices and the operator")
    .option("--pr", "open a pull request when the patch holds")
    .option("--no-layers", "send no dependencies along")
    .option("--allow-scripts", "let install scripts of dependencies run on this computer")
    .option("--resume <run-id>", "go on with a run that was stopped", parseRunId)
    .option(
      "--port-base <n>",
      "for a stack of its own: count ports up from n; 0 takes free ones",
      parsePortBase,
    )
    .addHelpText("after", HELP);
  addRemoteOptions(command, "with --resume: the runtime that has the run, when it is another's");
  addDataDirOption(command);
  return setBody<RunOptions>(command, (options) => run(context, options, options.json === true));
}

async function run(context: Context, options: RunOptions, json: boolean): Promise<number> {
  refuseMixed(options);
  // Progress never mixes with the one line that a machine reads.
  const output = json ? context.err : context.out;
  const steps = showSteps(output, context.nowMs);
  using stop = catchStopSignals(() =>
    steps.line("Stopping; the run can be resumed. Ctrl-C again forces it."),
  );
  try {
    const outcome = await execute(context, options, stop.signal, steps, output.style);
    steps.close();
    if (json) context.out.line(runJson(outcome));
    else for (const line of runLines(outcome, context.out.style)) context.out.line(line);
    return runExitCode(outcome, stop.signal.aborted);
  } catch (error) {
    steps.close();
    if (stop.signal.aborted) return EXIT.interrupted;
    throw error;
  }
}

async function execute(
  context: Context,
  options: RunOptions,
  signal: AbortSignal,
  steps: StepList,
  style: Context["out"]["style"],
): Promise<RunOutcome> {
  const { resumeRun, runIssue } = await import("@openagents/autopilot");
  const dataDir = dataDirOf(context, options);
  const remote = remoteClient(context, options, "going on with a run of another's runtime");
  if (remote !== undefined) {
    const deps = { ...runDeps(context, remote, dataDir, signal), ...showRun(steps, style) };
    return resumeRun(deps, options.resume ?? "");
  }
  const request =
    options.resume === undefined
      ? await requestOf(options, process.cwd(), dataDir, context.env, signal)
      : undefined;
  await using parts = new AsyncDisposableStack();
  const place = await openPlace(context, { dataDir, portBase: options.portBase, keep: false, signal }, steps);
  parts.defer(() => stopPlace(place, steps));
  signal.throwIfAborted();
  const providers = await openProviders(context, place, { dataDir, signal }, steps);
  parts.defer(() => providers.stop());
  parts.defer(() => waitForUsers(place, signal, steps));
  const deps = { ...runDeps(context, clientOf(context, place), dataDir, signal), ...showRun(steps, style) };
  // Awaited here, because leaving this function stops what the run needs.
  if (request === undefined) return await resumeRun(deps, options.resume ?? "");

  await openCredit(context, place, request.budgetMsats, "openagents run", signal, steps);
  for (const line of ["", `  issue: ${request.issue.title}`, `  agent: ${deps.agentOf(request.agent).name}`])
    steps.line(line);
  steps.line(`  budget: ${formatSats(request.budgetMsats)}`);
  return await runIssue(deps, request);
}

/** A resumed run keeps what it was started with. */
function refuseMixed(options: RunOptions): void {
  if (options.resume === undefined) {
    if (options.runtime === undefined) return;
    throw new CliError("usage", "a run is started on this computer's own stack", {
      nextStep: "give --runtime with --resume only",
      exitCode: EXIT.usage,
    });
  }
  const given = (
    [
      "repo",
      "issue",
      "agent",
      "check",
      "budget",
      "attempts",
      "secondOpinion",
      "policy",
      "payOn",
      "fallback",
      "market",
      "allowScripts",
      "pr",
    ] as const
  ).find((name) => options[name] !== undefined);
  if (given === undefined && options.layers !== false) return;
  throw new CliError("usage", "a resumed run keeps what it was started with", {
    nextStep: "give --resume alone",
    exitCode: EXIT.usage,
  });
}
