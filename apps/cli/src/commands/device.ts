// `openagents device`: this computer as a device that messages reach, and what stops one.

import type { Agent } from "@openagents/agent";
import type { Device } from "@openagents/contracts";
import { Command, InvalidArgumentError } from "commander";
import { join, resolve } from "node:path";
import { parseLimit } from "../arguments.ts";
import { CliError, EXIT } from "../cli-error.ts";
import { dataDirOf, setBody, type Context } from "../context.ts";
import {
  addControlOptions,
  connectControl,
  demoRunner,
  deviceLine,
  deviceToWire,
  loadOrCreateDeviceKey,
  openDeviceSession,
  type ControlOptions,
} from "../device/index.ts";
import { catchStopSignals } from "../stop-signals.ts";
import { formatTime, printable, renderTable } from "../terminal/index.ts";

const HELP = `
\`run\` makes this computer a device of yours: its key is made here and stays here, and the
first start lets it in. It takes the messages of your threads, works on each in a copy of
--repo with your agent, and says what the agent says, as it says it. What it was not done
with when it was stopped or killed, the next start goes on with; nothing is done twice.
What the agent wants to do outside of its workspace is asked in your inbox, and is declined
when nobody agrees within ten minutes. While the stack is away it waits, and follows it to
other ports.

disable takes a device's tokens back everywhere within seconds; enable lets it in again.

Examples:
  openagents device run --repo . --agent codex
  openagents device run --agent script:answers.json --json
  openagents device ls
  openagents device disable dev_0123…

Exit codes: 0 stopped as asked, shown, or done; 1 refused, or no stack is running; 2 wrong arguments.`;

export function deviceCommand(context: Context): Command {
  const device = new Command("device")
    .description("take messages on this computer; list devices, disable one")
    .addHelpText("after", HELP);
  for (const command of [
    runCommand(context),
    listCommand(context),
    changeCommand(context, "disable"),
    changeCommand(context, "enable"),
  ])
    device.addCommand(addControlOptions(command));
  return device;
}

type RunOptions = ControlOptions & {
  readonly name: string;
  readonly agent: string;
  readonly repo?: string;
};

function runCommand(context: Context): Command {
  const command = new Command("run")
    .description("take the messages of your threads until you stop it")
    .option("--name <text>", "of the worker that threads reach", parseName, "device")
    .option("--agent <spec>", "codex, acp:COMMAND, or script:FILE, which replays a recording", "codex")
    .option("--repo <path>", "what the work of a thread begins from (default: an empty folder)");
  return setBody<RunOptions>(command, async (options) => {
    const { takeLock } = await import("@openagents/stack");
    const { agentFrom } = await import("@openagents/agent");
    const { parseSource, runDevice } = await import("@openagents/autopilot");
    const root = dataDirOf(context, options);
    const folder = join(root, "devices", options.name);
    const agent = agentFrom(absoluteAgent(options.agent), { env: context.env, dataDir: root });
    const control = connectControl(context, options);
    const key = loadOrCreateDeviceKey(folder);
    const lock = takeLock(join(folder, "device.lock"));
    if (lock === undefined) {
      throw new CliError("device_running", `the device ${options.name} runs already`, {
        nextStep: "stop it, or give this one another --name",
      });
    }
    using stop = catchStopSignals(() => undefined);
    const { out } = context;
    const json = options.json === true;
    try {
      const session = await openDeviceSession(control, key, options.name, context.nowMs);
      if (!json)
        out.line(
          `device ${session.deviceId}${session.enrolled ? ", let in just now" : ""}; agent: ${agent.name}`,
        );
      const lack = lackOf(agent);
      if (lack !== undefined) context.err.line(`messages are answered so until it is ready: ${lack}`);
      const end = await runDevice({
        client: { baseUrl: control.baseUrl, fetch: control.fetch, token: () => session.token() },
        name: options.name,
        agent,
        source: options.repo === undefined ? undefined : parseSource(options.repo, process.cwd()),
        dataDir: folder,
        runDemo: options.control === undefined ? demoRunner(context, options, session) : undefined,
        signal: stop.signal,
        onEvent: (event) =>
          out.line(
            json
              ? JSON.stringify(deviceToWire(event, context.nowMs()))
              : deviceLine(event, context.nowMs(), out.style),
          ),
      });
      if (end.reason === "stopped") return EXIT.ok;
      throw new CliError(end.reason, ENDINGS[end.reason], { nextStep: "see it in the console, under Fleet" });
    } catch (error) {
      if (stop.signal.aborted && !(error instanceof CliError)) return EXIT.ok;
      throw error;
    } finally {
      lock.release();
    }
  });
}

/** What the agent lacks, and what to do about it; undefined when it is ready. */
function lackOf(agent: Agent): string | undefined {
  try {
    agent.assertReady();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const ENDINGS = {
  worker_stopped: "the worker was stopped from elsewhere",
  device_disabled: "the device was disabled",
} as const;

/** The device works in folders of its own, so that a path is said in full. */
function absoluteAgent(spec: string): string {
  return spec.startsWith("script:") ? `script:${resolve(spec.slice("script:".length))}` : spec;
}

type ListOptions = ControlOptions & { readonly limit?: number; readonly cursor?: string };

function listCommand(context: Context): Command {
  const command = new Command("ls")
    .alias("list")
    .description("the devices of your organisation")
    .option("--limit <n>", "how many, 1 to 200 (default: 50)", parseLimit)
    .option("--cursor <cursor>", "continue after an earlier page");
  return setBody<ListOptions>(command, async (options) => {
    const { Devices, createClient, encodeText, listDevicesResponseDesc } =
      await import("@openagents/contracts");
    const { baseUrl, personToken } = connectControl(context, options);
    const client = createClient(Devices, { baseUrl, token: personToken });
    const page = await client.listDevices({ limit: options.limit, cursor: options.cursor });
    const { out } = context;
    if (options.json === true) out.line(encodeText(listDevicesResponseDesc, page));
    else if (page.devices.length === 0)
      out.line("no devices; `openagents device run` makes this computer one");
    else for (const line of renderTable(TITLES, page.devices.map(rowOf), out.style)) out.line(line);
    if (options.json !== true && page.nextCursor !== undefined)
      out.line(out.style.dim(`more: openagents device ls --cursor ${page.nextCursor}`));
    return EXIT.ok;
  });
}

const TITLES = ["device", "name", "status", "last heard of (UTC)"].map((title) => ({ title }));

function rowOf(device: Device): string[] {
  const seen = device.lastSeenAt === undefined ? "never" : formatTime(device.lastSeenAt);
  return [device.deviceId, printable(device.name), device.status, seen];
}

function changeCommand(context: Context, change: "disable" | "enable"): Command {
  const command = new Command(change)
    .description(change === "disable" ? "take its tokens back at once" : "let it in again")
    .argument("<device-id>", "", parseDeviceId);
  return setBody<ControlOptions>(command, async (options, [deviceId = ""]) => {
    const { Devices, createClient, deviceDesc, encodeText } = await import("@openagents/contracts");
    const { baseUrl, personToken } = connectControl(context, options);
    const client = createClient(Devices, { baseUrl, token: personToken });
    const { device } = await (change === "disable"
      ? client.disableDevice({ deviceId })
      : client.enableDevice({ deviceId }));
    context.out.line(options.json === true ? encodeText(deviceDesc, device) : `${deviceId} is ${change}d`);
    return EXIT.ok;
  });
}

function parseName(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$/.test(text)) return text;
  throw new InvalidArgumentError("Give up to 40 letters, digits, dots and dashes.");
}

function parseDeviceId(text: string): string {
  if (/^dev_[0-9a-z_]{1,60}$/.test(text)) return text;
  throw new InvalidArgumentError("A device's id begins with dev_; `openagents device ls` shows them.");
}
