// What can be made of a run's log: a run that goes on from one of its events, and
// its projection, derived again.

import { Command, InvalidArgumentError } from "commander";
import { parseRunId } from "../arguments.ts";
import { EXIT } from "../cli-error.ts";
import { connect } from "../connection.ts";
import { addDataDirOption, setBody, type Context, type DataDirOption } from "../context.ts";

export function forkCommand(context: Context): Command {
  const command = new Command("fork")
    .description("make a run that goes on from another one's log; no git is in it")
    .argument("<run-id>", "", parseRunId)
    .option("--at <seq>", "the last event that both have (default: the run's last)", parseSeq);
  addDataDirOption(command);
  return setBody<DataDirOption & { at?: bigint }>(command, async (options, [runId = ""]) => {
    const { Runs, createClient, encodeText, forkRunResponseDesc } = await import("@openagents/contracts");
    const made = await createClient(Runs, connect(context, options).client).forkRun({
      runId,
      atSeq: options.at,
    });
    const { out } = context;
    if (options.json === true) out.line(encodeText(forkRunResponseDesc, made));
    else out.line(`${made.run.runId} goes on from ${runId} after event ${made.run.forkSeq ?? 0n}`);
    return EXIT.ok;
  });
}

export function rebuildCommand(context: Context): Command {
  const command = new Command("rebuild")
    .description("derive again what is told of a run, or of all, and say whether it was as stored")
    .argument("[run-id]", "", parseRunId);
  addDataDirOption(command);
  return setBody<DataDirOption>(command, async (options, [only]) => {
    const { Projectors, Runs, createClient } = await import("@openagents/contracts");
    const { client } = connect(context, options);
    const projectors = createClient(Projectors, client);
    const runs = createClient(Runs, client);
    const { out } = context;
    let differed = 0;
    const rebuild = async (runId: string) => {
      const { summary, previousHash } = await projectors.rebuildProjection({ runId });
      const same = previousHash === undefined || previousHash === summary.projectionHash;
      if (!same) differed += 1;
      const told = same ? "as stored" : `was ${previousHash}`;
      out.line(
        options.json === true
          ? JSON.stringify({ run_id: runId, projection_hash: summary.projectionHash, same })
          : `${runId}  ${summary.projectionHash}  ${told}`,
      );
    };
    if (only !== undefined) await rebuild(only);
    else {
      for (let cursor: string | undefined; ;) {
        const page = await runs.listRuns({ cursor, limit: 200 });
        for (const { runId } of page.runs) await rebuild(runId);
        cursor = page.nextCursor;
        if (cursor === undefined) break;
      }
    }
    return differed === 0 ? EXIT.ok : EXIT.failed;
  });
}

function parseSeq(text: string): bigint {
  if (/^[1-9][0-9]{0,15}$/.test(text)) return BigInt(text);
  throw new InvalidArgumentError("Give an event's number, from 1.");
}
