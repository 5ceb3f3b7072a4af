import type { AuthorityMode } from "@openagents/contracts";
import { recordToWire, stackStatus, type StackStatus } from "@openagents/stack";
import { Command } from "commander";
import { EXIT } from "../cli-error.ts";
import { connect } from "../connection.ts";
import { addDataDirOption, dataDirOf, setBody, type Context, type DataDirOption } from "../context.ts";
import { observeSync, type Delivery } from "../sync/index.ts";
import { formatDuration, formatSats, renderPairs, type Style } from "../terminal/index.ts";

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
    const running = status.state === "running";
    const [told, delivery] = await Promise.all([
      running ? askRuntime(context, options) : undefined,
      running ? observeSync(context, options, status.record) : undefined,
    ]);
    const lines =
      options.json === true
        ? [statusJson(status, told, delivery)]
        : statusLines(context, status, told, delivery);
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

function statusLines(
  context: Context,
  status: StackStatus,
  told: Told | undefined,
  delivery: Delivery | undefined,
): string[] {
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
  if (delivery !== undefined) pairs.push(...deliveryPairs(delivery, style));
  const head = `${wellAll ? style.green("●") : style.yellow("●")} running, pid ${status.record.pid}, up ${formatDuration(status.uptimeMs)}`;
  return [head, ...renderPairs(pairs, style)];
}

const STREAMS_SHOWN = 5;

function deliveryPairs({ sessions, streams }: Delivery, style: Style): [string, string][] {
  const pairs: [string, string][] = [["live sessions", String(sessions)]];
  for (const { stream_id: streamId, followers, lag_events: lag } of streams.slice(0, STREAMS_SHOWN)) {
    const behind = lag === 0 ? "nothing behind" : style.yellow(`${lag} events behind`);
    pairs.push(["followed", `${streamId}  by ${followers}, ${behind}`]);
  }
  if (streams.length > STREAMS_SHOWN)
    pairs.push(["", style.dim(`and ${streams.length - STREAMS_SHOWN} more`)]);
  return pairs;
}

function statusJson(status: StackStatus, told: Told | undefined, delivery: Delivery | undefined): string {
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
    ...(delivery === undefined ? {} : { sync: delivery }),
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
