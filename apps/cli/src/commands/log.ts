import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import {
  NoteError,
  openCheckpoint,
  parseCheckpoint,
  type Checkpoint,
  type NoteKey,
} from "@openagents/receipts";
import { dataDirAt, findRunning, homeFolder, listLogPins, pinLog } from "@openagents/stack";
import { Command } from "commander";
import { CliError, EXIT } from "../cli-error.ts";
import { addDataDirOption, dataDirOf, setBody, type Context, type DataDirOption } from "../context.ts";
import { findContradiction, keptCheckpoints, lookAtLog, type Look, type LogSource } from "../log/index.ts";
import { isTrustworthy, parseLogKey } from "../operators.ts";
import { catchStopSignals } from "../stop-signals.ts";
import { renderPairs } from "../terminal/index.ts";

type LogOptions = DataDirOption & { readonly url?: string; readonly log?: string };

const LOOK_EVERY_MS = 2_000;
const FETCH_MS_MAX = 10_000;
const NOTE_BYTES_MAX = 64 * 1024;

const HELP = `
The transparency log is one append-only tree over the hashes of all receipts.
\`watch\` keeps the last checkpoint that the log signed and checks that each new one
goes on from it. A log that takes something back, or tells another history, is told
with exit code 1, and both signed checkpoints are kept as evidence. On first use the
log's key is pinned, which is said; name it with --log if you have it from elsewhere.

Two people who watch the same log compare the checkpoints that they kept with \`check\`:
that is how a log is found out which shows one history to one and another to the other.

Examples:
  openagents log watch
  openagents log watch --once --url https://runtime.example.org --log KEY
  openagents log check ~/.openagents/log-watch/*/checkpoint theirs

Exit codes: 0 consistent; 1 contradicted, not signed by the log's key, or not to be
            read; 2 check: nothing is contradicted, but not everything could be compared
            (or wrong arguments); 130 interrupted.`;

export function logCommand(context: Context): Command {
  return new Command("log")
    .description("watch the public log of receipts, and compare what was seen of it")
    .addCommand(watchCommand(context))
    .addCommand(showCommand(context))
    .addCommand(checkCommand(context))
    .addHelpText("after", HELP);
}

function addLogOptions(command: Command): Command {
  return addDataDirOption(command)
    .option("--url <url>", "the service that publishes the log (default: the stack that runs here)")
    .option("--log <key>", "the log's key, instead of the pinned one");
}

function watchCommand(context: Context): Command {
  const command = addLogOptions(
    new Command("watch").description("follow the log and check that it only ever grows"),
  )
    .option("--once", "look once and end")
    .addHelpText("after", HELP);
  return setBody<LogOptions & { once?: true }>(command, async (options) => {
    const { source, key, text, isNew } = await openLog(context, options);
    const kept = keptCheckpoints(dataDirOf(context, options), text);
    const { out, err } = context;
    if (isNew) err.line(`pinned ${text}: first use, taken from the log itself`);
    using stop = catchStopSignals(() => undefined);
    for (;;) {
      const look = await lookAtLog(source, key, kept);
      if (options.json === true) out.line(JSON.stringify(lookToWire(look, kept.path)));
      else if (look.kind !== "unchanged" || options.once === true) out.line(lookLine(look));
      if (!isFine(look)) return EXIT.failed;
      if (options.once === true) return EXIT.ok;
      await delay(LOOK_EVERY_MS, undefined, { signal: stop.signal }).catch(() => undefined);
      if (stop.signal.aborted) return EXIT.interrupted;
    }
  });
}

function showCommand(context: Context): Command {
  const command = addLogOptions(
    new Command("show").alias("status").description("how large the log is, and what was kept of it"),
  ).addHelpText("after", HELP);
  return setBody<LogOptions>(command, async (options) => {
    const { source, key, text } = await openLog(context, options);
    const head = openCheckpoint(await source.checkpoint(), key);
    const kept = keptCheckpoints(dataDirOf(context, options), text);
    const last = kept.last();
    const keptSize = last === undefined ? undefined : openCheckpoint(last, key).size;
    const { out } = context;
    if (options.json === true) {
      out.line(
        JSON.stringify({
          ...headToWire(head),
          log_key: text,
          ...(keptSize === undefined ? {} : { kept_size: keptSize, kept_checkpoint: kept.path }),
        }),
      );
      return EXIT.ok;
    }
    const pairs: [string, string][] = [
      ["log", head.origin],
      ["size", String(head.size)],
      ["root", hexOf(head)],
      ["key", text],
      [
        "kept",
        keptSize === undefined
          ? "nothing; `openagents log watch` keeps it"
          : `size ${keptSize}, ${kept.path}`,
      ],
    ];
    for (const line of renderPairs(pairs, out.style)) out.line(line);
    return EXIT.ok;
  });
}

function checkCommand(context: Context): Command {
  const command = addLogOptions(
    new Command("check")
      .description("compare checkpoints of one log that two or more watchers kept")
      .argument("<files...>", "files of kept checkpoints"),
  ).addHelpText("after", HELP);
  return setBody<LogOptions>(command, async (options, files) => {
    const notes = await Promise.all(files.map(readNote));
    const key = checkKey(context, options, notes);
    const heads = notes.map(({ file, note }) => ({ file, head: open(file, note, key) }));
    heads.sort((a, b) => a.head.size - b.head.size);
    const source = urlOf(context, options) === undefined ? undefined : await sourceOf(context, options);
    const lines: { readonly a: string; readonly b: string; readonly result: string }[] = [];
    for (const [index, b] of heads.entries()) {
      const a = heads[index - 1];
      if (a === undefined) continue;
      const wrong =
        a.head.size !== b.head.size && source === undefined
          ? "not_checked"
          : await findContradiction(a.head, b.head, source?.readTile ?? noTiles);
      lines.push({ a: a.file, b: b.file, result: wrong ?? "consistent" });
    }
    const { out } = context;
    if (options.json === true) out.line(JSON.stringify({ comparisons: lines }));
    else for (const { a, b, result } of lines) out.line(`${RESULT_WORDS[result] ?? result}: ${a} and ${b}`);
    if (lines.some(({ result }) => result === "split_view" || result === "fork")) return EXIT.failed;
    return lines.every(({ result }) => result === "consistent") ? EXIT.ok : EXIT.undecided;
  });
}

const RESULT_WORDS: Readonly<Record<string, string>> = {
  consistent: "✓ consistent",
  not_checked: "– not checked, because of different sizes are compared with the log's tiles (--url)",
  split_view: "✗ split view, two roots for one size",
  fork: "✗ fork, one is not the beginning of the other",
};

async function readNote(file: string): Promise<{ readonly file: string; readonly note: string }> {
  try {
    return { file, note: (await readFile(file)).toString("utf8", 0, NOTE_BYTES_MAX) };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CliError("file_unreadable", `${file} cannot be read: ${why}`, { cause });
  }
}

function open(file: string, note: string, key: NoteKey): Checkpoint {
  try {
    return openCheckpoint(note, key);
  } catch (cause) {
    if (!(cause instanceof NoteError)) throw cause;
    throw new CliError("checkpoint_refused", `${file}: ${cause.message}`, { cause });
  }
}

/** Offline, only a key that is named or pinned can say whose checkpoints these are. */
function checkKey(
  context: Context,
  options: LogOptions,
  notes: readonly { readonly file: string; readonly note: string }[],
): NoteKey {
  if (options.log !== undefined) return parseLogKey(options.log);
  const [first] = notes;
  const origin = first === undefined ? "" : originOf(first.file, first.note);
  const pinned = pinnedKeys(context).find(({ key }) => key.name === origin);
  if (pinned !== undefined) return pinned.key;
  throw new CliError("log_not_pinned", `no key of the log ${origin} is pinned`, {
    nextStep: "name it with --log",
    exitCode: EXIT.undecided,
  });
}

function originOf(file: string, note: string): string {
  try {
    return parseCheckpoint(note).origin;
  } catch (cause) {
    throw new CliError("checkpoint_refused", `${file} is not a checkpoint`, { cause });
  }
}

function noTiles(): never {
  throw new Error("there are no tiles to read");
}

type OpenLog = {
  readonly source: LogSource;
  readonly key: NoteKey;
  readonly text: string;
  readonly isNew: boolean;
};

/** The log at an address, with the key that is named, else pinned, else taken from it and pinned. */
async function openLog(context: Context, options: LogOptions): Promise<OpenLog> {
  const source = await sourceOf(context, options);
  if (options.log !== undefined)
    return { source, key: parseLogKey(options.log), text: options.log, isNew: false };
  const { logKey } = await source.describe();
  const key = parseLogKey(logKey);
  const pinned = pinnedKeys(context).find((pin) => pin.key.name === key.name);
  if (pinned !== undefined) return { source, key: pinned.key, text: pinned.text, isNew: false };
  const home = homeFolder(context.env);
  const isNew = pinLog({
    home,
    key: logKey,
    label: urlOf(context, options) ?? key.name,
    nowMs: context.nowMs(),
  });
  return { source, key, text: logKey, isNew };
}

function pinnedKeys(context: Context): { readonly key: NoteKey; readonly text: string }[] {
  return listLogPins(homeFolder(context.env)).map(({ publicKey: text }) => ({
    key: parseLogKey(text),
    text,
  }));
}

function urlOf(context: Context, options: LogOptions): string | undefined {
  return options.url ?? findRunning(dataDirAt(dataDirOf(context, options)))?.runtimeUrl;
}

async function sourceOf(
  context: Context,
  options: LogOptions,
): Promise<LogSource & { readonly describe: () => Promise<{ readonly logKey: string }> }> {
  const address = urlOf(context, options);
  if (address === undefined) {
    throw new CliError("stack_not_running", "no stack is running here, so there is no log to look at", {
      nextStep: "start one with `openagents up --detach`, or name a service with --url",
    });
  }
  const url = URL.canParse(address) ? new URL(address) : undefined;
  // Whoever sits between us and a plain http address could show us a log of their own.
  if (url === undefined || (options.log === undefined && !isTrustworthy(url))) {
    throw new CliError("url_invalid", `\`${address.slice(0, 100)}\` is no address that can be trusted`, {
      nextStep: "give an https address (http only on this computer), or the log's key with --log",
      exitCode: EXIT.usage,
    });
  }
  const { TransparencyLog, createClient } = await import("@openagents/contracts");
  const client = createClient(TransparencyLog, { baseUrl: address, timeoutMs: FETCH_MS_MAX });
  return {
    checkpoint: async () => Buffer.from((await client.getLogCheckpoint({})).data).toString("utf8"),
    readTile: async (path) => (await client.getTile({ path })).data,
    describe: () => client.getLog({}),
  };
}

function isFine({ kind }: Look): boolean {
  return kind === "first" || kind === "unchanged" || kind === "grown";
}

function lookLine(look: Look): string {
  switch (look.kind) {
    case "first":
      return `first checkpoint of ${look.head.origin} kept: size ${look.head.size}`;
    case "unchanged":
      return `size ${look.head.size}, unchanged`;
    case "grown":
      return `size ${look.head.size}, consistent with size ${look.before?.size ?? 0}`;
    case "unsigned":
      return `✗ ${look.detail}`;
    case "rollback":
      return `✗ rollback: the log shows size ${look.head.size} after ${look.before.size}; both checkpoints are in ${look.evidence}`;
    case "split_view":
      return `✗ split view: two roots for size ${look.head.size}; both checkpoints are in ${look.evidence}`;
    case "fork":
      return `✗ fork: size ${look.before.size} is not the beginning of size ${look.head.size}; both checkpoints are in ${look.evidence}`;
  }
}

function lookToWire(look: Look, keptPath: string) {
  if (look.kind === "unsigned") return { ok: false, kind: look.kind, detail: look.detail };
  return {
    ok: isFine(look),
    kind: look.kind,
    ...headToWire(look.head),
    ...(look.before === undefined ? {} : { before: headToWire(look.before) }),
    ...("evidence" in look ? { evidence: look.evidence } : { kept_checkpoint: keptPath }),
  };
}

function headToWire(head: Checkpoint) {
  return { origin: head.origin, size: head.size, root: hexOf(head) };
}

function hexOf({ root }: Checkpoint): string {
  return Buffer.from(root).toString("hex");
}
