import { openCheckpoint } from "@openagents/receipts";
import { Command } from "commander";
import { EXIT } from "../cli-error.ts";
import { dataDirOf, setBody, type Context } from "../context.ts";
import { headToWire, hexOf, keptCheckpoints, openLog, type LogOptions } from "../log/index.ts";
import { renderPairs } from "../terminal/index.ts";
import { checkCommand } from "./log-check.ts";
import { addLogOptions } from "./log-options.ts";
import { watchCommand } from "./log-watch.ts";

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
  openagents log check mine theirs --tiles ./log

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
