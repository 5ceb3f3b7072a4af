// `openagents log check`: whether what several saw of a log can be one history.

import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import {
  NoteError,
  openCheckpoint,
  parseCheckpoint,
  type Checkpoint,
  type NoteKey,
} from "@openagents/receipts";
import { Command } from "commander";
import { CliError, EXIT } from "../cli-error.ts";
import { setBody, type Context } from "../context.ts";
import {
  findContradiction,
  pinnedKeys,
  readTilesOf,
  sourceOf,
  urlOf,
  type LogOptions,
  type LogSource,
  type ReadTile,
} from "../log/index.ts";
import { parseLogKey } from "../operators.ts";
import { addLogOptions } from "./log-options.ts";

const NOTE_BYTES_MAX = 64 * 1024;

const HELP = `
Two people who watch the same log compare what they kept: that is how a log is found out
which shows one history to one and another to the other. Checkpoints of different sizes
are compared with the log's tiles: from the stack that runs here, from --url, or offline
from --tiles, a folder as a download of /log/ leaves it. One checkpoint alone is compared
with what the log shows now.

Examples:
  openagents log check ~/.openagents/log-watch/*/checkpoint
  openagents log check mine theirs --url https://runtime.example.org
  openagents log check mine theirs --tiles ./log

Exit codes: 0 consistent; 1 contradicted, not signed by the log's key, or not to be read;
            2 nothing is contradicted, but not everything could be compared (or wrong
            arguments).`;

type CheckOptions = LogOptions & { readonly tiles?: string };

type Head = { readonly file: string; readonly head: Checkpoint };

export function checkCommand(context: Context): Command {
  const command = addLogOptions(
    new Command("check")
      .description("compare checkpoints of one log that two or more watchers kept")
      .argument("<files...>", "files of kept checkpoints")
      .option("--tiles <folder>", "read the log's tiles from a folder that holds tile/…, and ask nobody"),
  ).addHelpText("after", HELP);
  return setBody<CheckOptions>(command, async (options, files) => {
    if (options.tiles !== undefined && options.url !== undefined)
      throw new CliError("usage", "--tiles and --url do not go together", {
        nextStep: "choose where the tiles are read",
        exitCode: EXIT.usage,
      });
    const notes = await Promise.all(files.map(readNote));
    const key = checkKey(context, options, notes);
    const heads: Head[] = notes.map(({ file, note }) => ({ file, head: open(file, note, key) }));
    const { readTile, current } = await tilesFor(context, options);
    // One alone is compared with what the log shows now.
    const [only] = heads;
    const now = heads.length === 1 && current !== undefined ? open(NOW, await current(), key) : undefined;
    // Nothing is read of a log that has become smaller: what it had shown is gone.
    const isRolledBack = now !== undefined && only !== undefined && now.size < only.head.size;
    if (now !== undefined) heads.push({ file: NOW, head: now });
    heads.sort((a, b) => a.head.size - b.head.size);
    const lines: { readonly a: string; readonly b: string; readonly result: string }[] = [];
    for (const [index, b] of heads.entries()) {
      const a = heads[index - 1];
      if (a === undefined) continue;
      const isUnreadable = a.head.size !== b.head.size && readTile === undefined;
      const wrong = isRolledBack
        ? "rollback"
        : isUnreadable
          ? "not_checked"
          : await findContradiction(a.head, b.head, readTile ?? noTiles);
      lines.push({ a: a.file, b: b.file, result: wrong ?? "consistent" });
    }
    const { out } = context;
    if (options.json === true) out.line(JSON.stringify({ comparisons: lines }));
    else for (const line of checkLines(lines, heads)) out.line(line);
    if (lines.some(({ result }) => result !== "consistent" && result !== "not_checked")) return EXIT.failed;
    const isCompared = lines.length > 0 && lines.every(({ result }) => result === "consistent");
    return isCompared ? EXIT.ok : EXIT.undecided;
  });
}

function checkLines(
  lines: readonly { readonly a: string; readonly b: string; readonly result: string }[],
  [only]: readonly Head[],
): string[] {
  if (lines.length === 0 && only !== undefined)
    return [
      `– signed by the log at size ${only.head.size}, and compared with nothing: give another one's checkpoint too, or --url`,
    ];
  return lines.map(({ a, b, result }) => `${RESULT_WORDS[result] ?? result}: ${a} and ${b}`);
}

type Tiles = { readonly readTile?: ReadTile; readonly current?: LogSource["checkpoint"] };

/** Nothing where there is neither a folder nor a log to ask. */
async function tilesFor(context: Context, options: CheckOptions): Promise<Tiles> {
  if (options.tiles !== undefined) return { readTile: readTilesOf(resolve(options.tiles)) };
  if (urlOf(context, options) === undefined) return {};
  const { readTile, checkpoint } = await sourceOf(context, options);
  return { readTile, current: checkpoint };
}

const NOW = "the log now";

const RESULT_WORDS: Readonly<Record<string, string>> = {
  consistent: "✓ consistent",
  not_checked:
    "– not checked, because of different sizes are compared with the log's tiles (--url or --tiles)",
  split_view: "✗ split view, two roots for one size",
  rollback: "✗ rollback, the log shows less than it did",
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
