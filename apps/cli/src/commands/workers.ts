// `openagents workers`: the workers of an organisation, and what stops one.

import type { Worker } from "@openagents/contracts";
import { Command } from "commander";
import { parseLimit, parseProviderId } from "../arguments.ts";
import { EXIT } from "../cli-error.ts";
import { connect } from "../connection.ts";
import { addDataDirOption, setBody, type Context, type DataDirOption } from "../context.ts";
import { formatTime, printable, renderTable } from "../terminal/index.ts";

const HELP = `
disable is the emergency stop, and final: what the worker holds is called off, its buyers
have their money back, and it gets nothing any more. reinstate is the operator's: it lifts
the quarantine of a worker's organisation and forgets its strikes.

Examples:
  openagents workers list
  openagents workers disable wrk_0123456789abcdef0123456789abcdef --reason "the machine was stolen"
  openagents workers reinstate wrk_0123456789abcdef0123456789abcdef --reason "its disk was broken"

Exit codes: 0 shown, or done as asked; 1 refused, no such worker, or no stack is running;
            2 wrong arguments.`;

export function workersCommand(context: Context): Command {
  const workers = new Command("workers")
    .description("list workers, disable one, lift a quarantine")
    .addHelpText("after", HELP);
  for (const command of [listCommand, disableCommand, reinstateCommand])
    workers.addCommand(addDataDirOption(command(context)));
  return workers;
}

async function clientOf(context: Context, options: DataDirOption) {
  const { Workers, createClient } = await import("@openagents/contracts");
  return createClient(Workers, connect(context, options).client);
}

type ListOptions = DataDirOption & { readonly limit?: number; readonly cursor?: string };

function listCommand(context: Context): Command {
  const command = new Command("list")
    .description("those of your organisation, newest first")
    .option("--limit <n>", "how many, 1 to 200 (default: 50)", parseLimit)
    .option("--cursor <cursor>", "continue after an earlier page");
  return setBody<ListOptions>(command, async (options) => {
    const { encodeText, listWorkersResponseDesc } = await import("@openagents/contracts");
    const client = await clientOf(context, options);
    const page = await client.listWorkers({ limit: options.limit, cursor: options.cursor });
    const { out } = context;
    if (options.json === true) {
      out.line(encodeText(listWorkersResponseDesc, page));
      return EXIT.ok;
    }
    if (page.workers.length === 0)
      out.line("no workers; `openagents provider start` makes this computer one");
    const titles = ["worker", "name", "status", "strikes", "last heard of (UTC)"];
    const rows = page.workers.map((each) => [
      each.workerId,
      printable(each.displayName),
      statusWords(each),
      String(each.strikes),
      formatTime(each.lastHeartbeatAt),
    ]);
    const columns = titles.map((title) => ({ title }));
    if (rows.length > 0) for (const line of renderTable(columns, rows, out.style)) out.line(line);
    if (page.nextCursor !== undefined)
      out.line(out.style.dim(`more: openagents workers list --cursor ${page.nextCursor}`));
    return EXIT.ok;
  });
}

function statusWords({ status, liveness, quarantined }: Worker): string {
  if (quarantined) return "quarantined";
  return status === "running" ? `${status}, ${liveness}` : status;
}

type ReasonOptions = DataDirOption & { readonly reason: string };

function disableCommand(context: Context): Command {
  const command = new Command("disable")
    .description("stop a worker for ever, and call off what it holds")
    .argument("<worker-id>", "", parseProviderId)
    .requiredOption("--reason <text>", "why, kept with the receipt");
  return setBody<ReasonOptions>(command, async (options, [workerId = ""]) => {
    const { disableWorkerResponseDesc, encodeText } = await import("@openagents/contracts");
    const client = await clientOf(context, options);
    const answer = await client.disableWorker({ workerId, reason: options.reason });
    const { out } = context;
    if (options.json === true) out.line(encodeText(disableWorkerResponseDesc, answer));
    else {
      const jobs = answer.canceledJobIds;
      out.line(
        `${workerId} is disabled; ${jobs.length === 0 ? "it held no job" : `called off: ${jobs.join(", ")}`}`,
      );
    }
    return EXIT.ok;
  });
}

function reinstateCommand(context: Context): Command {
  const command = new Command("reinstate")
    .description("the operator's: lift the quarantine of a worker's organisation")
    .argument("<worker-id>", "", parseProviderId)
    .requiredOption("--reason <text>", "why, kept with the receipt");
  return setBody<ReasonOptions>(command, async (options, [workerId = ""]) => {
    const { encodeText, reinstateWorkerResponseDesc } = await import("@openagents/contracts");
    const client = await clientOf(context, options);
    const answer = await client.reinstateWorker({ workerId, reason: options.reason });
    context.out.line(
      options.json === true
        ? encodeText(reinstateWorkerResponseDesc, answer)
        : `${workerId} gets jobs again; its organisation's strikes are forgotten`,
    );
    return EXIT.ok;
  });
}
