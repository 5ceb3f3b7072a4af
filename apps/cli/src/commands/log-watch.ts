// `openagents log watch`: whether a log only ever grows.

import { setTimeout as delay } from "node:timers/promises";
import { Command } from "commander";
import { EXIT } from "../cli-error.ts";
import { dataDirOf, setBody, type Context } from "../context.ts";
import {
  isAway,
  isFine,
  keptCheckpoints,
  lookAtLog,
  lookLine,
  lookToWire,
  openLog,
  retryMs,
  type LogOptions,
} from "../log/index.ts";
import { catchStopSignals } from "../stop-signals.ts";
import { formatDuration, printable } from "../terminal/index.ts";
import { addLogOptions } from "./log-options.ts";

const LOOK_EVERY_MS = 2_000;

const HELP = `
Looks at the log every two seconds. When it cannot be reached, that is said, and it is
asked again after 2 seconds, 4, 8, up to a minute: a log that is away has contradicted
nothing. The first look is not repeated, and neither is the one of --once. With --json
each look is one line; one that did not reach the log has the kind "unreachable".

Examples:
  openagents log watch
  openagents log watch --once --url https://runtime.example.org --log KEY

Exit codes: 0 consistent (--once); 1 contradicted, not signed by the log's key, or not
            to be read at the first look; 2 wrong arguments; 130 interrupted.`;

export function watchCommand(context: Context): Command {
  const command = addLogOptions(
    new Command("watch").description("follow the log and check that it only ever grows"),
  )
    .option("--once", "look once and end")
    .addHelpText("after", HELP);
  return setBody<LogOptions & { once?: true }>(command, async (options) => {
    const { source, key, text, isNew } = await openLog(context, options);
    const kept = keptCheckpoints(dataDirOf(context, options), text);
    const { out, err } = context;
    const json = options.json === true;
    if (isNew) err.line(`pinned ${text}: first use, taken from the log itself`);
    using stop = catchStopSignals(() => undefined);
    let failures = 0;
    for (let looks = 0; ; looks += 1) {
      let waitMs = LOOK_EVERY_MS;
      try {
        const look = await lookAtLog(source, key, kept);
        if (failures > 0 && !json) out.line("the log can be read again");
        if (json) out.line(JSON.stringify(lookToWire(look, kept.path)));
        else if (look.kind !== "unchanged" || options.once === true) out.line(lookLine(look));
        if (!isFine(look)) return EXIT.failed;
        if (options.once === true) return EXIT.ok;
        failures = 0;
      } catch (error) {
        // At the start a wrong address is likelier than a log that is away.
        if (looks === 0 || options.once === true || !(await isAway(error))) throw error;
        waitMs = retryMs(failures, Math.random());
        failures += 1;
        const detail = error instanceof Error ? error.message : String(error);
        out.line(
          json
            ? JSON.stringify({ kind: "unreachable", detail, retry_ms: waitMs })
            : `– not reached, again in ${formatDuration(waitMs)}: ${printable(detail)}`,
        );
      }
      await delay(waitMs, undefined, { signal: stop.signal }).catch(() => undefined);
      if (stop.signal.aborted) return EXIT.interrupted;
    }
  });
}
