// `openagents incidents`: results that cannot all be true, what a party alleges, and
// what came of both. The contracts load inside the actions, so that `--help` starts fast.

import type { Incident } from "@openagents/contracts";
import { Command, InvalidArgumentError, Option } from "commander";
import { collect, parseJobId, parseLimit } from "../arguments.ts";
import { CliError, EXIT } from "../cli-error.ts";
import { connect } from "../connection.ts";
import { addDataDirOption, setBody, type Context, type DataDirOption } from "../context.ts";
import { formatTime, printable, renderPairs, renderTable, type Style } from "../terminal/index.ts";

const HELP = `
An incident is about one job: two runs of it that contradict each other, a report that
broke its rules, a dispute, or an allegation. The operator's own runs decide all but the
last, which the operator decides by looking.

dispute doubts the report of a job of yours, within seven days of its verdict: it is run
again by the operator's reserve. Who is contradicted is struck, and money that has not
moved is withheld; a dispute that is not borne out counts against you. report puts on
record what is wrong with a job of yours, as its buyer or its provider; nothing follows
by itself. adjudicate and resolve are the operator's.

Examples:
  openagents incidents list
  openagents incidents dispute job_0123456789abcdef0123456789abcdef --claim "the check never ran"
  openagents incidents report job_0123456789abcdef0123456789abcdef --claim "it mined coins" --evidence run:run_0123456789abcdef0123456789abcdef
  openagents incidents resolve inc_0123456789abcdef0123456789abcdef --dismiss --note "nothing of it in the log"

Exit codes: 0 shown, or done as asked; 1 refused, no such job or incident, or no stack is
            running; 2 wrong arguments.`;

export function incidentsCommand(context: Context): Command {
  const incidents = new Command("incidents")
    .description("disputes, contradictions and allegations, and what came of them")
    .addHelpText("after", HELP);
  for (const command of [
    listCommand,
    showCommand,
    disputeCommand,
    reportCommand,
    adjudicateCommand,
    resolveCommand,
  ])
    incidents.addCommand(addDataDirOption(command(context)));
  return incidents;
}

async function clientOf(context: Context, options: DataDirOption) {
  const { Fraud, createClient } = await import("@openagents/contracts");
  return createClient(Fraud, connect(context, options).client);
}

type ListOptions = DataDirOption & { readonly limit?: number; readonly cursor?: string };

function listCommand(context: Context): Command {
  const command = new Command("list")
    .description("those about your jobs and your workers, newest first; all of them for operators")
    .option("--limit <n>", "how many, 1 to 200 (default: 50)", parseLimit)
    .option("--cursor <cursor>", "continue after an earlier page");
  return setBody<ListOptions>(command, async (options) => {
    const { encodeText, listIncidentsResponseDesc } = await import("@openagents/contracts");
    const client = await clientOf(context, options);
    const page = await client.listIncidents({ limit: options.limit, cursor: options.cursor });
    const { out } = context;
    if (options.json === true) {
      out.line(encodeText(listIncidentsResponseDesc, page));
      return EXIT.ok;
    }
    if (page.incidents.length === 0) out.line("no incidents");
    else for (const line of incidentTable(page.incidents, out.style)) out.line(line);
    if (page.nextCursor !== undefined)
      out.line(out.style.dim(`more: openagents incidents list --cursor ${page.nextCursor}`));
    return EXIT.ok;
  });
}

function showCommand(context: Context): Command {
  const command = new Command("show")
    .description("one incident")
    .argument("<incident-id>", "", parseIncidentId);
  return setBody<DataDirOption>(command, async (options, [incidentId = ""]) => {
    const client = await clientOf(context, options);
    return print(context, options, await client.getIncident({ incidentId }));
  });
}

function disputeCommand(context: Context): Command {
  const command = new Command("dispute")
    .description("doubt the report of a job of yours: the operator's own run decides")
    .argument("<job-id>", "", parseJobId)
    .requiredOption("--claim <text>", "what is doubted, and why");
  return setBody<DataDirOption & { claim: string }>(command, async (options, [jobId = ""]) => {
    const client = await clientOf(context, options);
    return print(context, options, await client.disputeJob({ jobId, claim: options.claim }));
  });
}

type ReportOptions = DataDirOption & { readonly claim: string; readonly evidence?: readonly string[] };

function reportCommand(context: Context): Command {
  const command = new Command("report")
    .description("put on record what is wrong with a job of yours")
    .argument("<job-id>", "", parseJobId)
    .requiredOption("--claim <text>", "what is wrong")
    .option("--evidence <ref>", "artifact:SHA256, receipt:ID or run:ID; may be repeated", collect);
  return setBody<ReportOptions>(command, async (options, [jobId = ""]) => {
    const { claim, evidence = [] } = options;
    const client = await clientOf(context, options);
    return print(context, options, await client.reportIncident({ jobId, claim, evidence }));
  });
}

function adjudicateCommand(context: Context): Command {
  const command = new Command("adjudicate")
    .description("the operator's: order its own run, or decide by it; the stack does so by itself")
    .argument("<incident-id>", "", parseIncidentId);
  return setBody<DataDirOption>(command, async (options, [incidentId = ""]) => {
    const client = await clientOf(context, options);
    return print(context, options, await client.adjudicateIncident({ incidentId }));
  });
}

type ResolveOptions = DataDirOption & {
  readonly uphold?: true;
  readonly dismiss?: true;
  readonly note: string;
};

function resolveCommand(context: Context): Command {
  const command = new Command("resolve")
    .description("the operator's: say what came of an allegation, once")
    .argument("<incident-id>", "", parseIncidentId)
    .addOption(new Option("--uphold", "it is so").conflicts("dismiss"))
    .option("--dismiss", "it is not")
    .requiredOption("--note <text>", "what was found");
  return setBody<ResolveOptions>(command, async (options, [incidentId = ""]) => {
    const { uphold, dismiss, note } = options;
    if (uphold === undefined && dismiss === undefined)
      throw new CliError("usage", "it is not said what came of it", {
        nextStep: "give --uphold or --dismiss",
        exitCode: EXIT.usage,
      });
    const client = await clientOf(context, options);
    return print(
      context,
      options,
      await client.resolveIncident({ incidentId, upheld: uphold === true, note }),
    );
  });
}

type Answer = { readonly incident: Incident; readonly receiptId?: string };

async function print(
  context: Context,
  options: { readonly json?: true },
  { incident, receiptId }: Answer,
): Promise<number> {
  const { out } = context;
  if (options.json === true) {
    const { encode, incidentDesc } = await import("@openagents/contracts");
    out.line(JSON.stringify({ incident: encode(incidentDesc, incident), receipt_id: receiptId }));
    return EXIT.ok;
  }
  const receipt = receiptId === undefined ? [] : [["receipt", receiptId] as const];
  for (const line of renderPairs([...incidentPairs(incident), ...receipt], out.style)) out.line(line);
  return EXIT.ok;
}

function incidentTable(incidents: readonly Incident[], style: Style): string[] {
  const titles = ["incident", "kind", "status", "job", "opened (UTC)"];
  const rows = incidents.map((each) => [
    each.incidentId,
    each.kind,
    outcomeWords(each),
    each.jobId,
    formatTime(each.openedAt),
  ]);
  return renderTable(
    titles.map((title) => ({ title })),
    rows,
    style,
  );
}

function incidentPairs(incident: Incident): (readonly [string, string])[] {
  const { secondJobId, secondWorkerId = "", thirdJobId, decidedAt, reporter, evidence } = incident;
  return [
    ["incident", incident.incidentId],
    ["kind", reporter === undefined ? incident.kind : `${incident.kind} by the ${reporter}`],
    ["status", outcomeWords(incident)],
    ["run", incident.runId],
    ["job", `${incident.jobId} by ${incident.firstWorkerId}`],
    ...(secondJobId === undefined ? [] : [["second run", `${secondJobId} by ${secondWorkerId}`] as const]),
    ...(thirdJobId === undefined ? [] : [["operator's run", thirdJobId] as const]),
    ["detail", printable(incident.detail)],
    ...evidence.map(
      (ref) => ["evidence", `${printable(ref)}, as the ${reporter ?? "reporter"} says`] as const,
    ),
    ["opened", `${formatTime(incident.openedAt)} UTC`],
    ...(decidedAt === undefined ? [] : [["decided", `${formatTime(decidedAt)} UTC`] as const]),
  ];
}

function outcomeWords({ status, outcome }: Incident): string {
  if (status === "adjudicating") return "the operator's run is under way";
  return outcome === undefined ? status : outcome.replaceAll("_", " ");
}

function parseIncidentId(text: string): string {
  if (/^inc_[0-9a-f]{32}$/.test(text)) return text;
  throw new InvalidArgumentError(
    "An incident's id is inc_ and 32 hex digits; `openagents incidents list` shows them.",
  );
}
