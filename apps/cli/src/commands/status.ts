import type { AuthorityMode } from "@openagents/contracts";
import { recordToWire, stackStatus, type StackStatus } from "@openagents/stack";
import { Command } from "commander";
import { EXIT } from "../cli-error.ts";
import { connect } from "../connection.ts";
import { addDataDirOption, dataDirOf, setBody, type Context, type DataDirOption } from "../context.ts";
import { formatDuration, formatSats, renderPairs } from "../terminal/index.ts";

const HELP = `
Shows whether a stack runs on the data directory, its addresses, whether each
service is alive and ready for work, whether writes are frozen, and what the owner's organisation has. Money
on a laptop stack is demo credit.

Examples:
  openagents status
  openagents status --json | jq -r .runtime_url

Exit codes: 0 looked, whatever the state; 1 could not look.`;

type Told = { readonly balances: Balances; readonly mode: AuthorityMode };

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
    const told = status.state === "running" ? await askRuntime(context, options) : undefined;
    const lines = options.json === true ? [statusJson(status, told)] : statusLines(context, status, told);
    for (const line of lines) context.out.line(line);
    return EXIT.ok;
  });
}

/** Undefined when the runtime does not tell: status must work while it is unwell. */
async function askRuntime(context: Context, options: DataDirOption): Promise<Told | undefined> {
  try {
    const { Operations, Treasury, createClient } = await import("@openagents/contracts");
    const client = { ...connect(context, options).client, timeoutMs: 3_000 };
    const [balances, { mode }] = await Promise.all([
      createClient(Treasury, client).getComputeSummary({}),
      createClient(Operations, client).getAuthorityMode({}),
    ]);
    return { balances, mode };
  } catch {
    return undefined;
  }
}

function statusLines(context: Context, status: StackStatus, told: Told | undefined): string[] {
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
  if (told !== undefined) {
    const { balances, mode } = told;
    pairs.push([
      "writes",
      mode === "active" ? "active" : style.yellow("frozen; `openagents unfreeze` ends it"),
    ]);
    pairs.push(["available", formatSats(balances.availableMsats)]);
    pairs.push(["reserved", formatSats(balances.reservedMsats)]);
    pairs.push(["spent", formatSats(balances.spentMsats)]);
  }
  const head = `${wellAll ? style.green("●") : style.yellow("●")} running, pid ${status.record.pid}, up ${formatDuration(status.uptimeMs)}`;
  return [head, ...renderPairs(pairs, style)];
}

function statusJson(status: StackStatus, told: Told | undefined): string {
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
    ...(told === undefined
      ? {}
      : {
          authority_mode: told.mode,
          balances: {
            available_msats: Number(told.balances.availableMsats),
            reserved_msats: Number(told.balances.reservedMsats),
            spent_msats: Number(told.balances.spentMsats),
            earned_msats: Number(told.balances.earnedMsats),
          },
        }),
  });
}
