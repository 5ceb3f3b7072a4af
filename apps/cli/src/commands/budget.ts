import type { Budget, BudgetLevel, BudgetPeriod } from "@openagents/contracts";
import { Command, InvalidArgumentError, Option } from "commander";
import { parseAmount, parseLimit, parseRunId } from "../arguments.ts";
import { EXIT } from "../cli-error.ts";
import { connect } from "../connection.ts";
import { addDataDirOption, setBody, type Context, type DataDirOption } from "../context.ts";
import { formatSats, formatTime, printable, renderTable, type Style } from "../terminal/index.ts";

const HELP = `
Limits on what your organisation spends. A check must fit every budget that applies to
it: the organisation's, its project's, and its run's; \`openagents run --budget\` sets
the last one. Days, weeks and months are UTC's. Money that is set aside counts at once,
and what is not spent comes back.

Examples:
  openagents budget set 20000sat --each month
  openagents budget set 5000sat --project site --each day
  openagents budget list
  openagents budget show bgt_0123456789abcdef0123456789abcdef
  openagents budget remove bgt_0123456789abcdef0123456789abcdef

Exit codes: 0 shown, or done as asked; 1 no such budget, or no stack is running;
            2 wrong arguments.`;

const PERIODS = ["none", "day", "week", "month"] as const satisfies readonly BudgetPeriod[];
const LEVELS = ["org", "project", "run"] as const satisfies readonly BudgetLevel[];

export function budgetCommand(context: Context): Command {
  const budget = new Command("budget").description("limit what is spent").addHelpText("after", HELP);
  for (const command of [setCommand, listCommand, showCommand, removeCommand])
    budget.addCommand(command(context));
  return budget;
}

type SetOptions = DataDirOption & {
  readonly each: BudgetPeriod;
  readonly project?: string;
  readonly run?: string;
};

function setCommand(context: Context): Command {
  const command = new Command("set")
    .description("set a limit, or change it")
    .argument("<amount>", "such as 5000sat", (text) => parseAmount(text).toString())
    .addOption(new Option("--each <period>", "start anew each period").choices([...PERIODS]).default("none"))
    .option("--project <name>", "for one project, instead of the organisation")
    .addOption(new Option("--run <run-id>", "for one run").argParser(parseRunId).conflicts("project"));
  addDataDirOption(command);
  return setBody<SetOptions>(command, async (options, [amount = ""]) => {
    const { Budgets, createClient, encodeText, setBudgetResponseDesc } =
      await import("@openagents/contracts");
    const subject = options.run ?? options.project;
    const answer = await createClient(Budgets, connect(context, options).client).setBudget({
      level: options.run !== undefined ? "run" : options.project !== undefined ? "project" : "org",
      ...(subject === undefined ? {} : { subject }),
      period: options.each,
      limitMsats: parseAmount(amount),
    });
    if (options.json === true) context.out.line(encodeText(setBudgetResponseDesc, answer));
    else for (const line of budgetTable([answer.budget], context.out.style)) context.out.line(line);
    return EXIT.ok;
  });
}

type ListOptions = DataDirOption & {
  readonly level?: BudgetLevel;
  readonly limit?: number;
  readonly cursor?: string;
};

function listCommand(context: Context): Command {
  const command = new Command("list")
    .description("the newest budgets first")
    .addOption(new Option("--level <level>", "only those of one level").choices([...LEVELS]))
    .option("--limit <n>", "how many, 1 to 200 (default: 50)", parseLimit)
    .option("--cursor <cursor>", "continue after an earlier page");
  addDataDirOption(command);
  return setBody<ListOptions>(command, async (options) => {
    const { Budgets, createClient, encodeText, listBudgetsResponseDesc } =
      await import("@openagents/contracts");
    const page = await createClient(Budgets, connect(context, options).client).listBudgets({
      level: options.level,
      limit: options.limit,
      cursor: options.cursor,
    });
    const { out } = context;
    if (options.json === true) out.line(encodeText(listBudgetsResponseDesc, page));
    else if (page.budgets.length === 0) out.line("no budgets; `openagents budget set` makes one");
    else for (const line of budgetTable(page.budgets, out.style)) out.line(line);
    if (options.json !== true && page.nextCursor !== undefined)
      out.line(`more: openagents budget list --cursor ${page.nextCursor}`);
    return EXIT.ok;
  });
}

function showCommand(context: Context): Command {
  const command = new Command("show").description("one budget").argument("<budget-id>", "", parseBudgetId);
  addDataDirOption(command);
  return setBody<DataDirOption>(command, async (options, [budgetId = ""]) => {
    const { Budgets, createClient, encodeText, getBudgetResponseDesc } =
      await import("@openagents/contracts");
    const answer = await createClient(Budgets, connect(context, options).client).getBudget({ budgetId });
    if (options.json === true) context.out.line(encodeText(getBudgetResponseDesc, answer));
    else for (const line of budgetTable([answer.budget], context.out.style)) context.out.line(line);
    return EXIT.ok;
  });
}

function removeCommand(context: Context): Command {
  const command = new Command("remove")
    .description("limit nothing by it any more")
    .argument("<budget-id>", "", parseBudgetId);
  addDataDirOption(command);
  return setBody<DataDirOption>(command, async (options, [budgetId = ""]) => {
    const { Budgets, createClient, encodeText, removeBudgetResponseDesc } =
      await import("@openagents/contracts");
    const answer = await createClient(Budgets, connect(context, options).client).removeBudget({ budgetId });
    context.out.line(
      options.json === true ? encodeText(removeBudgetResponseDesc, answer) : `${budgetId} is removed`,
    );
    return EXIT.ok;
  });
}

function parseBudgetId(text: string): string {
  if (/^bgt_[0-9a-f]{32}$/.test(text)) return text;
  throw new InvalidArgumentError(
    "A budget's id is bgt_ and 32 hex digits; `openagents budget list` shows them.",
  );
}

function budgetTable(budgets: readonly Budget[], style: Style): string[] {
  const right = "right" as const;
  const columns = [
    { title: "budget" },
    { title: "for" },
    { title: "each" },
    { title: "limit", align: right },
    { title: "spent", align: right },
    { title: "reserved", align: right },
    { title: "left", align: right },
    { title: "until" },
  ];
  const rows = budgets.map((budget) => [
    budget.budgetId,
    budget.subject === undefined ? "organisation" : printable(budget.subject),
    budget.period === "none" ? "" : budget.period,
    formatSats(budget.limitMsats),
    formatSats(budget.spentMsats),
    formatSats(budget.reservedMsats),
    formatSats(budget.leftMsats),
    budget.periodEndsAt === undefined ? "" : formatTime(budget.periodEndsAt),
  ]);
  return renderTable(columns, rows, style);
}
