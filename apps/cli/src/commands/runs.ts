// `openagents runs`: look at runs, and say the word that ends one. The contracts load inside the actions, so
// that `--help` and commands without a service start fast.

import type { RunEvent, RunStatus } from "@openagents/contracts";
import { dataDirAt } from "@openagents/stack";
import { Command } from "commander";
import { parseLimit, parseRunId } from "../arguments.ts";
import { EXIT } from "../cli-error.ts";
import { connect, type Connection } from "../connection.ts";
import { addDataDirOption, dataDirOf, setBody, type Context, type DataDirOption } from "../context.ts";
import {
  endLines,
  endRun,
  followRunEvents,
  executorWords,
  moneyWords,
  nextCommands,
  runJson,
  statusWords,
  verdictWords,
  type Standing,
  type Word,
} from "../runs/index.ts";
import { addRemoteOptions, remoteClient, type RemoteOptions } from "../remote-runtime.ts";
import { catchStopSignals } from "../stop-signals.ts";
import { forkCommand, rebuildCommand } from "./runs-log.ts";
import {
  fit,
  formatTime,
  printable,
  renderPairs,
  renderTable,
  showSteps,
  type Style,
} from "../terminal/index.ts";

const EVENTS_PER_PAGE = 500;

const HELP = `
A run is one attempt at an issue: an ordered log of events that is never changed.

Examples:
  openagents runs list --limit 10
  openagents runs show run_0123456789abcdef0123456789abcdef
  openagents runs show --follow run_0123456789abcdef0123456789abcdef
  openagents runs replay run_0123456789abcdef0123456789abcdef > REPLAY.jsonl
  openagents runs accept run_0123456789abcdef0123456789abcdef --note "the new test is right"

A run whose patch changes what decides about it waits for a person: accept pays for
the check and makes the branch, reject withholds that money; who ran the check a second
time is paid its price in both cases, because that was asked for and done. cancel ends
a run that is under way or was stopped. What is set aside for it is given back, or
settled when it was handed in before; a provider at work is told to stop, and is
not paid. All three write the bundle; a fork that is canceled has none. With --runtime
they act on a run of another's runtime, with your token there.

fork makes a run that shares another one's first events; rebuild derives again what
lists and show tell of a run, and says whether it was as stored.

Exit codes: 0 shown, or done as asked; 1 no such run, no stack is running, or it could
            not be ended; 2 wrong arguments; 130 interrupted.`;

export function runsCommand(context: Context): Command {
  const runs = new Command("runs")
    .description("list, show, replay and fork runs; accept, reject or cancel one")
    .addHelpText("after", HELP);
  const looks = [listCommand, showCommand, replayCommand, forkCommand, rebuildCommand];
  for (const command of looks) runs.addCommand(command(context));
  runs.addCommand(endCommand(context, "accept", "accepted", "take a patch that waits for your review"));
  runs.addCommand(endCommand(context, "reject", "rejected", "refuse a patch that waits for your review"));
  runs.addCommand(
    endCommand(context, "cancel", "canceled", "end a run, and give back or settle what is set aside"),
  );
  return runs;
}

function endCommand(context: Context, name: string, word: Word, description: string): Command {
  const command = new Command(name).description(description).argument("<run-id>", "", parseRunId);
  if (word !== "canceled") command.option("--note <text>", "why, kept with the receipt");
  addRemoteOptions(command, "the runtime that has the run, when it is another's");
  addDataDirOption(command);
  return setBody<RemoteOptions & { note?: string }>(command, async (options, [runId = ""]) => {
    const remote = remoteClient(context, options, "a word on a run of another's runtime");
    const output = options.json === true ? context.err : context.out;
    const steps = showSteps(output, context.nowMs);
    using stop = catchStopSignals(() => steps.line("Stopping; Ctrl-C again forces it."));
    try {
      const end = {
        runId,
        word,
        note: options.note ?? "",
        dataDir: dataDirOf(context, options),
        remote,
        signal: stop.signal,
      };
      const outcome = await endRun(context, end, steps, output.style);
      steps.close();
      if (options.json === true) context.out.line(runJson(outcome));
      else for (const line of endLines(outcome, word, context.out.style)) context.out.line(line);
      const state = ({ accepted: "succeeded", rejected: "failed", canceled: "canceled" } as const)[word];
      if (stop.signal.aborted) return EXIT.interrupted;
      return outcome.state === state && outcome.openMsats === 0n ? EXIT.ok : EXIT.failed;
    } catch (error) {
      steps.close();
      if (stop.signal.aborted) return EXIT.interrupted;
      throw error;
    }
  });
}

function listCommand(context: Context): Command {
  const command = new Command("list")
    .description("the newest runs first")
    .option("--limit <n>", "how many, 1 to 200 (default: 50)", parseLimit)
    .option("--cursor <cursor>", "continue after an earlier page");
  addDataDirOption(command);
  return setBody<DataDirOption & { limit?: number; cursor?: string }>(command, async (options) => {
    const { Projectors, Runs, createClient, encodeText, listRunsResponseDesc } =
      await import("@openagents/contracts");
    const { client } = connect(context, options);
    const page = await createClient(Runs, client).listRuns({
      limit: options.limit,
      cursor: options.cursor,
    });
    const { out } = context;
    if (options.json === true) {
      out.line(encodeText(listRunsResponseDesc, page));
      return EXIT.ok;
    }
    const newestRunId = page.runs[0]?.runId;
    const oldestRunId = page.runs.at(-1)?.runId;
    if (newestRunId === undefined || oldestRunId === undefined) {
      out.line("no runs yet; `openagents demo` makes one");
      return EXIT.ok;
    }
    const { summaries } = await createClient(Projectors, client).listRunSummaries({
      newestRunId,
      oldestRunId,
    });
    const byRun = new Map(summaries.map((summary) => [summary.runId, summary]));
    const standings = page.runs.map((run) => ({ run, summary: byRun.get(run.runId) }));
    for (const line of runTable(standings, out.style)) out.line(line);
    if (page.nextCursor !== undefined) out.line(out.style.dim(`more: --cursor ${page.nextCursor}`));
    return EXIT.ok;
  });
}

function showCommand(context: Context): Command {
  const command = new Command("show")
    .description("a run and its events")
    .argument("<run-id>", "", parseRunId)
    .option("--follow", "then go on with each event as it comes, until the run is finished");
  addDataDirOption(command);
  return setBody<DataDirOption & { follow?: boolean }>(command, async (options, [runId = ""]) => {
    const { Projectors, Runs, createClient, encode, runDesc, runEventDesc, runSummaryDesc } =
      await import("@openagents/contracts");
    const connection = connect(context, options);
    const { run } = await createClient(Runs, connection.client).getRun({ runId });
    const { summary } = await createClient(Projectors, connection.client).getRunSummary({ runId });
    const { out } = context;
    if (options.json === true && options.follow !== true) {
      const events: unknown[] = [];
      for await (const event of eventsOf(connection, runId)) events.push(encode(runEventDesc, event));
      out.line(
        JSON.stringify({ run: encode(runDesc, run), summary: encode(runSummaryDesc, summary), events }),
      );
      return EXIT.ok;
    }
    const show = (event: ShownEvent) =>
      out.line(options.json === true ? eventJson(event) : eventLine(event, out.columns(), out.style));
    if (options.json !== true) {
      const { findBranch } = await import("@openagents/autopilot");
      const branch = await findBranch({ runsDir: dataDirAt(dataDirOf(context, options)).runs }, runId);
      for (const line of runPairs({ run, summary, branch }, out.style)) out.line(line);
      out.line("");
    }
    let shown = 0n;
    for await (const event of eventsOf(connection, runId)) {
      if (!out.isOpen()) return EXIT.ok;
      show(event);
      shown = event.seq;
    }
    if (options.follow !== true || isFinished(run.status)) return EXIT.ok;
    using stop = catchStopSignals(() => undefined);
    await followRunEvents(context, options, connection, { run, afterSeq: shown, signal: stop.signal, show });
    return EXIT.ok;
  });
}

function replayCommand(context: Context): Command {
  const command = new Command("replay")
    .description("print a run's REPLAY.jsonl")
    .argument("<run-id>", "", parseRunId);
  addDataDirOption(command);
  return setBody<DataDirOption>(command, async (options, [runId = ""]) => {
    const { Runs, createClient } = await import("@openagents/contracts");
    const replay = await createClient(Runs, connect(context, options).client).getRunReplay({ runId });
    context.out.raw(replay.data);
    return EXIT.ok;
  });
}

async function* eventsOf(connection: Connection, runId: string): AsyncGenerator<RunEvent> {
  const { Runs, createClient } = await import("@openagents/contracts");
  const runs = createClient(Runs, connection.client);
  let afterSeq = 0n;
  for (;;) {
    const page = await runs.listRunEvents({ runId, afterSeq, limit: EVENTS_PER_PAGE });
    yield* page.events;
    const last = page.events.at(-1);
    if (last === undefined || last.seq >= page.latestSeq) return;
    afterSeq = last.seq;
  }
}

function runTable(standings: readonly Standing[], style: Style): string[] {
  const columns = [
    { title: "run" },
    { title: "status" },
    { title: "verdict" },
    { title: "spent" },
    { title: "created (UTC)" },
    { title: "issue" },
  ];
  const rows = standings.map((standing) => [
    standing.run.runId,
    statusWords(standing),
    standing.summary?.verdict?.replaceAll("_", " ") ?? "–",
    moneyWords(standing),
    formatTime(standing.run.createdAt),
    fit(printable(standing.run.issue?.title ?? ""), 60),
  ]);
  return renderTable(columns, rows, style);
}

function runPairs(standing: Standing, style: Style): string[] {
  const { run, branch } = standing;
  const pairs: [string, string][] = [
    ["run", run.runId],
    ["status", statusWords(standing)],
    ["issue", printable(run.issue?.title ?? "none")],
    ["verdict", verdictWords(standing)],
    ["spent", moneyWords(standing)],
    ["executor", executorWords(standing)],
    ...(branch === undefined ? [] : [["branch", `${branch.name} in ${branch.repo}`] as [string, string]]),
    ...(standing.summary?.forgeUrl === undefined
      ? []
      : [["on the forge", printable(standing.summary.forgeUrl)] as [string, string]]),
    ...(run.forkedFrom === undefined
      ? []
      : [["forked from", `${run.forkedFrom} after event ${run.forkSeq ?? 0n}`] as [string, string]]),
    ["organisation", run.org],
    ["opened by", run.createdBy],
    ["created", `${formatTime(run.createdAt)} UTC`],
    ["updated", `${formatTime(run.updatedAt)} UTC`],
    ["trajectory", `${run.trajectoryHash} through ${run.latestSeq}`],
  ];
  return [...renderPairs(pairs, style), ...nextCommands(standing).map((command) => style.dim(command))];
}

type ShownEvent = Pick<RunEvent, "seq" | "eventType" | "payload" | "recordedAt">;

function isFinished(status: RunStatus): boolean {
  return status === "succeeded" || status === "failed" || status === "canceled";
}

/** As the runtime's own pages have it, one event a line. */
function eventJson({ seq, eventType, payload, recordedAt }: ShownEvent): string {
  return JSON.stringify({
    seq: Number(seq),
    event_type: eventType,
    payload,
    recorded_at: new Date(recordedAt).toISOString(),
  });
}

function eventLine(event: ShownEvent, columns: number, style: Style): string {
  const head = `${String(event.seq).padStart(5)}  ${formatTime(event.recordedAt).slice(11)}  ${event.eventType.padEnd(24)}  `;
  const payload = fit(printable(JSON.stringify(event.payload)), Math.max(20, columns - head.length - 1));
  return `${style.dim(head.slice(0, 17))}${head.slice(17)}${style.dim(payload)}`;
}
