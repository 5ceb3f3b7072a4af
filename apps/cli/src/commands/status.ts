import { recordToWire, stackStatus, type StackStatus } from "@openagents/stack";
import { Command } from "commander";
import { EXIT } from "../cli-error.ts";
import { connect } from "../connection.ts";
import { addDataDirOption, dataDirOf, setBody, type Context, type DataDirOption } from "../context.ts";
import { formatDuration, formatSats, renderPairs } from "../terminal/index.ts";

const HELP = `
Shows whether a stack runs on the data directory, its addresses, whether each
service is alive and ready for work, and what the owner's organisation has. Money
on a laptop stack is demo credit.

Examples:
  openagents status
  openagents status --json | jq -r .runtime_url

Exit codes: 0 looked, whatever the state; 1 could not look.`;

type Balances = {
  readonly availableMsats: bigint;
  readonly reservedMsats: bigint;
  readonly spentMsats: bigint;
  readonly earnedMsats: bigint;
};

export function statusCommand(context: Context): Command {
  const command = new Command("status").description("show the stack's state").addHelpText("after", HELP);
  addDataDirOption(command);
  return setBody<DataDirOption>(command, async (options) => {
    const status = await stackStatus(dataDirOf(context, options), context.nowMs());
    const balances = status.state === "running" ? await readBalances(context, options) : undefined;
    const lines =
      options.json === true ? [statusJson(status, balances)] : statusLines(context, status, balances);
    for (const line of lines) context.out.line(line);
    return EXIT.ok;
  });
}

/** Undefined when the runtime does not tell: status must work while it is unwell. */
async function readBalances(context: Context, options: DataDirOption): Promise<Balances | undefined> {
  try {
    const { Treasury, createClient } = await import("@openagents/contracts");
    const { client } = connect(context, options);
    return await createClient(Treasury, { ...client, timeoutMs: 3_000 }).getComputeSummary({});
  } catch {
    return undefined;
  }
}

function statusLines(context: Context, status: StackStatus, balances: Balances | undefined): string[] {
  const { style } = context.out;
  if (status.state === "stopped") return [`${style.dim("○")} not running on ${status.dataDir}`];
  if (status.state === "starting") {
    return [`${style.yellow("◐")} starting or stopping on ${status.dataDir} (pid ${status.pid})`];
  }
  const wellAll = status.services.every((service) => service.healthy && service.ready);
  const pairs: [string, string][] = status.services.map((service) => [
    service.name,
    `${service.url}  ${service.ready ? style.green("ready") : service.healthy ? style.yellow("not ready") : style.red("down")}` +
      (service.detail === undefined ? "" : style.dim(`  ${service.detail}`)),
  ]);
  pairs.push(["data", status.dataDir]);
  pairs.push(["operator", status.record.operatorPublicKey]);
  pairs.push(["version", status.record.version]);
  if (balances !== undefined) {
    pairs.push(["available", formatSats(balances.availableMsats)]);
    pairs.push(["reserved", formatSats(balances.reservedMsats)]);
    pairs.push(["spent", formatSats(balances.spentMsats)]);
  }
  const head = `${wellAll ? style.green("●") : style.yellow("●")} running, pid ${status.record.pid}, up ${formatDuration(status.uptimeMs)}`;
  return [head, ...renderPairs(pairs, style)];
}

function statusJson(status: StackStatus, balances: Balances | undefined): string {
  if (status.state === "stopped")
    return JSON.stringify({ state: "stopped", running: false, data_dir: status.dataDir });
  if (status.state === "starting") {
    return JSON.stringify({ state: "starting", running: false, data_dir: status.dataDir, pid: status.pid });
  }
  return JSON.stringify({
    state: "running",
    running: true,
    ...recordToWire(status.record),
    uptime_ms: status.uptimeMs,
    services: status.services,
    ...(balances === undefined
      ? {}
      : {
          balances: {
            available_msats: Number(balances.availableMsats),
            reserved_msats: Number(balances.reservedMsats),
            spent_msats: Number(balances.spentMsats),
            earned_msats: Number(balances.earnedMsats),
          },
        }),
  });
}
