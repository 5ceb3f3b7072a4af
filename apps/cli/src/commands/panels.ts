// `openagents panels`: ask several owners what takes judgement, and decide on their answers.

import type { Job, Panel } from "@openagents/contracts";
import { Command, InvalidArgumentError, Option } from "commander";
import { parseAmount, parseWhole } from "../arguments.ts";
import { CliError, EXIT } from "../cli-error.ts";
import { connect, type Connection } from "../connection.ts";
import {
  addDataDirOption,
  setBody,
  type Context,
  type DataDirOption,
  type GlobalOptions,
} from "../context.ts";
import { askPanel, panelLines, settleCopies, settledLine } from "../panels/index.ts";

const BUDGET_MSATS = 1_000_000n;

const HELP = `
Some work has no one right answer. A panel gives it to several owners who do not know
of each other, and the answer that more than half of them give is decided on. Where
they differ too much, a person decides: you, with \`adjudicate\`. Whoever gave the
answer that was decided on is paid; another answer is not, and is no fault. With
--pay-on execution every answer is paid.

Examples:
  openagents panels ask question.json --owners 3 --market
  openagents panels show pnl_0123456789abcdef0123456789abcdef
  openagents panels decide pnl_0123456789abcdef0123456789abcdef
  openagents panels adjudicate pnl_… --pick 97b2… --reason "the sum is what I meant"
  openagents panels adjudicate pnl_… --reject --reason "none is about numbers"

Exit codes: 0 shown, ordered, or decided; 1 not so, or no stack is running; 2 wrong
            arguments; a panel that waits for answers or a person is no failure.`;

const ASK_HELP = `
A question is a JSON file; its texts are files beside it. Labels for pieces of code:
  {"question": "Does it run what a user typed?", "labels": ["safe", "unsafe"],
   "chunks": [{"chunk_id": "one", "path": "src/one.js"}]}
or an order of texts:
  {"query": "how are numbers added?", "top_k": 2,
   "candidates": [{"candidate_id": "a", "path": "a.txt"}, …]}

Without --market only your own devices (with --own-devices) and the operator may have
the texts. No model of ours judges: owners answer with a program of their own.

Exit codes: 0 ordered; 1 not ordered, and nothing is set aside; 2 wrong arguments.`;

export function panelsCommand(context: Context): Command {
  const panels = new Command("panels")
    .description("ask several owners what takes judgement, and decide on their answers")
    .addHelpText("after", HELP);
  for (const command of [askCommand, showCommand, decideCommand, adjudicateCommand])
    panels.addCommand(command(context));
  return panels;
}

type AskOptions = DataDirOption & {
  readonly owners: number;
  readonly quorum?: number;
  readonly market?: true;
  readonly ownDevices?: true;
  readonly payOn: "outcome" | "execution";
  readonly budget?: bigint;
  readonly within?: number;
};

function askCommand(context: Context): Command {
  const command = new Command("ask")
    .description("order the copies of a panel")
    .argument("<file>", "the question")
    .option("--owners <n>", "how many are asked", parseWhole(1, 5, "owners"), 3)
    .option(
      "--quorum <n>",
      "how many must say the same (default: more than half)",
      parseWhole(1, 5, "owners"),
    )
    .option("--market", "let everyone who sells have the texts")
    .option("--own-devices", "let your own devices be among them")
    .addOption(
      new Option("--pay-on <what>", "what is paid for").choices(["outcome", "execution"]).default("outcome"),
    )
    .option(
      "--within <minutes>",
      "how long answers are waited for (default: 60)",
      parseWhole(1, 1_440, "minutes"),
    )
    .option("--budget <amount>", "the most that all copies cost (default: 1000sat)", parseAmount)
    .addHelpText("after", ASK_HELP);
  addDataDirOption(command);
  return setBody<AskOptions>(command, async (options, [file = ""]) => {
    const connection = connect(context, options);
    const panel = await askPanel(connection, {
      file,
      budgetMsats: options.budget ?? BUDGET_MSATS,
      redundancy: options.owners,
      quorum: options.quorum,
      market: options.market,
      ownDevices: options.ownDevices,
      payOn: options.payOn,
      decideMs: options.within === undefined ? undefined : BigInt(options.within) * 60_000n,
    });
    await print(context, options, connection, panel);
    return EXIT.ok;
  });
}

function showCommand(context: Context): Command {
  const command = new Command("show")
    .description("who said what, and what was decided")
    .argument("<panel-id>", "", parsePanelId);
  addDataDirOption(command);
  return setBody<DataDirOption>(command, async (options, [panelId = ""]) => {
    const connection = connect(context, options);
    await print(context, options, connection, await fetchPanel(connection, panelId));
    return EXIT.ok;
  });
}

function decideCommand(context: Context): Command {
  const command = new Command("decide")
    .description("decide on what is in, when it is time, and pay for it")
    .argument("<panel-id>", "", parsePanelId);
  addDataDirOption(command);
  return setBody<DataDirOption>(command, async (options, [panelId = ""]) => {
    const { Panels, ProblemError, createClient } = await import("@openagents/contracts");
    const connection = connect(context, options);
    await createClient(Panels, connection.client)
      .decidePanel({ panelId })
      .catch((error: unknown) => {
        // What was decided before is settled all the same.
        if (!(error instanceof ProblemError && error.reason === "already_decided")) throw error;
      });
    await printSettled(context, options, connection, panelId);
    return EXIT.ok;
  });
}

type AdjudicateOptions = DataDirOption & {
  readonly pick?: string;
  readonly reject?: true;
  readonly reason: string;
};

function adjudicateCommand(context: Context): Command {
  const command = new Command("adjudicate")
    .description("decide as a person where the answers differ, and pay for it")
    .argument("<panel-id>", "", parsePanelId)
    .addOption(new Option("--pick <sha256>", "this answer").argParser(parseAnswer).conflicts("reject"))
    .option("--reject", "none of them")
    .requiredOption("--reason <text>", "why; it is kept in the receipt with your name");
  addDataDirOption(command);
  return setBody<AdjudicateOptions>(command, async (options, [panelId = ""]) => {
    if (options.pick === undefined && options.reject !== true)
      throw new CliError("usage", "an answer is picked with --pick, or all are rejected with --reject", {
        nextStep: `openagents panels show ${panelId} lists the answers`,
        exitCode: EXIT.usage,
      });
    const { Panels, createClient } = await import("@openagents/contracts");
    const connection = connect(context, options);
    await createClient(Panels, connection.client).adjudicatePanel({
      panelId,
      choice: options.pick === undefined ? "reject" : "pick",
      answerSha256: options.pick,
      reason: options.reason,
    });
    await printSettled(context, options, connection, panelId);
    return EXIT.ok;
  });
}

async function fetchPanel({ client }: Connection, panelId: string): Promise<Panel> {
  const { Panels, createClient } = await import("@openagents/contracts");
  return (await createClient(Panels, client).getPanel({ panelId })).panel;
}

async function printSettled(
  context: Context,
  options: GlobalOptions,
  connection: Connection,
  panelId: string,
): Promise<void> {
  const settlements = await settleCopies(connection, await fetchPanel(connection, panelId));
  await print(context, options, connection, await fetchPanel(connection, panelId));
  if (options.json !== true && settlements.length > 0) context.out.line(settledLine(settlements));
}

async function print(
  context: Context,
  options: GlobalOptions,
  { client }: Connection,
  panel: Panel,
): Promise<void> {
  const { Jobs, createClient, encodeText, getPanelResponseDesc } = await import("@openagents/contracts");
  if (options.json === true) {
    context.out.line(encodeText(getPanelResponseDesc, { panel }));
    return;
  }
  const reader = createClient(Jobs, client);
  const jobs = new Map<string, Job>();
  for (const { jobId } of panel.copies)
    if (jobId !== undefined) jobs.set(jobId, (await reader.getJob({ jobId })).job);
  for (const line of panelLines(panel, jobs, context.out.style)) context.out.line(line);
}

function parsePanelId(text: string): string {
  if (/^pnl_[0-9a-f]{32}$/.test(text)) return text;
  throw new InvalidArgumentError(
    "A panel's id is pnl_ and 32 hex digits; `openagents panels ask` prints it.",
  );
}

function parseAnswer(text: string): string {
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  throw new InvalidArgumentError("An answer is named by 64 hex digits; `openagents panels show` lists them.");
}
