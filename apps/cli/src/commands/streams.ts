import type { JsonObject, Stream } from "@openagents/contracts";
import type { Completeness } from "@openagents/spacetime";
import { Command, InvalidArgumentError } from "commander";
import { parseLimit } from "../arguments.ts";
import { CliError, EXIT } from "../cli-error.ts";
import { connect, type Connection } from "../connection.ts";
import { addDataDirOption, setBody, type Context, type DataDirOption } from "../context.ts";
import { catchStopSignals } from "../stop-signals.ts";
import { fit, formatTime, printable, renderTable, type Style } from "../terminal/index.ts";

const HELP = `
Everything that happens is an event of a stream, numbered from 1 without a gap: of a run,
a worker, your workers, your organisation's money, the market's figures. The sync server
delivers them live; \`prove\` shows that nothing was missed, by the hash chain of all of
them, compared with the runtime's and with the public log.

Examples:
  openagents streams ls
  openagents streams tail runtime.run.run_0123….events
  openagents streams tail runtime.treasury.org.org_local… --from 10 --json
  openagents streams replay runtime.stats --json > stats.jsonl
  openagents streams prove runtime.run.run_0123….events

Exit codes: 0 shown, stopped by you, or proven; 1 no such stream, or the proof fails;
            2 wrong arguments; 130 stopped before \`prove\` was done.`;

export function streamsCommand(context: Context): Command {
  const streams = new Command("streams")
    .description("follow what happens, and prove that nothing was missed")
    .addHelpText("after", HELP);
  for (const command of [listCommand, tailCommand, replayCommand, proveCommand])
    streams.addCommand(command(context));
  return streams;
}

type ListOptions = DataDirOption & {
  readonly prefix?: string;
  readonly limit?: number;
  readonly cursor?: string;
};

function listCommand(context: Context): Command {
  const command = new Command("ls")
    .alias("list")
    .description("your organisation's streams, by name")
    .option("--prefix <text>", "only those whose names begin so, such as runtime.run.")
    .option("--limit <n>", "how many, 1 to 200 (default: 50)", parseLimit)
    .option("--cursor <cursor>", "continue after an earlier page");
  addDataDirOption(command);
  return setBody<ListOptions>(command, async (options) => {
    const { Streams, createClient, encodeText, listStreamsResponseDesc } =
      await import("@openagents/contracts");
    const page = await createClient(Streams, connect(context, options).client).listStreams({
      prefix: options.prefix,
      limit: options.limit,
      cursor: options.cursor,
    });
    const { out } = context;
    if (options.json === true) out.line(encodeText(listStreamsResponseDesc, page));
    else if (page.streams.length === 0) out.line("no streams yet; a run makes the first");
    else for (const line of streamTable(page.streams, out.style)) out.line(line);
    if (options.json !== true && page.nextCursor !== undefined)
      out.line(`more: openagents streams ls --cursor ${page.nextCursor}`);
    return EXIT.ok;
  });
}

function streamTable(streams: readonly Stream[], style: Style): string[] {
  const rows = streams.map((stream) => [
    stream.streamId,
    String(stream.headSeq),
    stream.keepNewest === undefined ? "all" : `the newest ${stream.keepNewest}`,
    formatTime(stream.updatedAt),
  ]);
  return renderTable(
    [{ title: "stream" }, { title: "events" }, { title: "kept" }, { title: "last (UTC)" }],
    rows,
    style,
  );
}

type FromOption = DataDirOption & { readonly from?: bigint };

function tailCommand(context: Context): Command {
  const command = new Command("tail")
    .description("events as they come, over the sync lane; Ctrl-C ends it")
    .argument("<stream>", "", parseStream)
    .option("--from <seq>", "begin behind this event; 0 is the beginning (default: the newest)", parseSeq);
  addDataDirOption(command);
  return setBody<FromOption>(command, async (options, [streamId = ""]) => {
    const connection = connect(context, options);
    const afterSeq = options.from ?? (await headOf(connection, streamId)) ?? 0n;
    using stop = catchStopSignals(() => undefined);
    const { followStream } = await import("../sync/index.ts");
    await followStream(context, options, connection, {
      streamId,
      afterSeq,
      signal: stop.signal,
      onEvent(event) {
        showEvent(context, options, { ...event, payload: JSON.parse(event.payload) as JsonObject });
        return !context.out.isOpen();
      },
      onState(state) {
        // What is shown of the state is for a person; lines of events are for both.
        if (state.kind === "live" && options.json !== true)
          context.err.line(context.err.style.dim(`live behind event ${state.seq}; Ctrl-C ends it`));
        if (state.kind === "backoff" || state.kind === "failed") {
          const why = state.kind === "backoff" ? state.reason : state.message;
          context.err.line(context.err.style.yellow(`cut off: ${printable(why)}; it goes on by itself`));
        }
      },
    });
    return EXIT.ok;
  });
}

function replayCommand(context: Context): Command {
  const command = new Command("replay")
    .description("the events that a stream holds, over HTTP, to its end")
    .argument("<stream>", "", parseStream)
    .option("--from <seq>", "begin behind this event (default: 0)", parseSeq);
  addDataDirOption(command);
  return setBody<FromOption>(command, async (options, [streamId = ""]) => {
    const { Streams, createClient } = await import("@openagents/contracts");
    const streams = createClient(Streams, connect(context, options).client);
    let afterSeq = options.from ?? 0n;
    for (;;) {
      const page = await streams.listStreamEvents({ streamId, afterSeq, limit: 1_000 });
      for (const event of page.events) {
        showEvent(context, options, { ...event, streamId, committedAtMs: event.committedAt });
        afterSeq = event.seq;
      }
      if (page.events.length === 0 || !context.out.isOpen()) return EXIT.ok;
    }
  });
}

function proveCommand(context: Context): Command {
  const command = new Command("prove")
    .description("read all of a stream over the sync lane, and show that nothing is missing")
    .argument("<stream>", "", parseStream);
  addDataDirOption(command);
  return setBody<DataDirOption>(command, async (options, [streamId = ""]) => {
    const connection = connect(context, options);
    const headSeq = await headOf(connection, streamId);
    if (headSeq === undefined) throw streamNotFound(streamId);
    using stop = catchStopSignals(() => undefined);
    const { proveStream } = await import("../sync/index.ts");
    const proof = await proveStream(context, options, connection, { streamId, headSeq, signal: stop.signal });
    if (proof === undefined) return EXIT.interrupted;
    const { out } = context;
    if (options.json === true) out.line(JSON.stringify(proofJson(streamId, proof)));
    else for (const line of proofLines(streamId, proof, out.style)) out.line(line);
    return proof.kind === "complete" ? EXIT.ok : EXIT.failed;
  });
}

type ShownEvent = {
  readonly streamId: string;
  readonly seq: bigint;
  readonly payloadHash: string;
  readonly payload: JsonObject;
  readonly committedAtMs: number;
};

function showEvent({ out }: Context, options: { readonly json?: boolean }, event: ShownEvent): void {
  const { streamId, seq, payloadHash, payload, committedAtMs } = event;
  if (options.json === true) {
    const committedAt = new Date(committedAtMs).toISOString();
    out.line(
      JSON.stringify({
        stream_id: streamId,
        seq: Number(seq),
        payload_hash: payloadHash,
        committed_at: committedAt,
        payload,
      }),
    );
    return;
  }
  const { kind = "", payload: facts } = payload;
  const head = `${String(seq).padStart(6)}  ${formatTime(committedAtMs)}  ${printable(typeof kind === "string" ? kind : "?")}`;
  out.line(fit(`${head}  ${out.style.dim(printable(JSON.stringify(facts)))}`, out.columns()));
}

function proofLines(streamId: string, proof: Completeness, style: Style): string[] {
  switch (proof.kind) {
    case "complete": {
      const later = proof.headSeq - proof.seq;
      const logged =
        proof.logged === undefined
          ? "not in the public log yet; heads enter it once a minute"
          : `the public log holds the same at event ${proof.logged.seq} (${proof.logged.receiptId})`;
      return [
        `${style.green("✓")} ${streamId}: all ${proof.seq} events, none missing, none changed`,
        `  chain ${proof.chainHash}`,
        `  the runtime has the same${later > 0n ? `, and ${later} newer events` : ""}`,
        `  ${logged}`,
      ];
    }
    case "differs": {
      const whose = proof.from === "log" ? "the public log's" : "the runtime's";
      return [
        `${style.red("✗")} ${streamId}: what was delivered is not what ${whose} chain says at event ${proof.seq}`,
        `  delivered ${proof.ownChain}`,
        `  ${proof.from}      ${proof.theirChain}`,
        "  keep both; somebody told this stream in two ways",
      ];
    }
    case "cut_short":
      return [
        `${style.red("✗")} ${streamId}: ${proof.seq} events were delivered, and the runtime has fewer now`,
        "  its database was put back to an older state",
      ];
  }
}

function proofJson(streamId: string, proof: Completeness) {
  const stream = { stream_id: streamId, kind: proof.kind, seq: Number(proof.seq) };
  switch (proof.kind) {
    case "complete":
      return {
        ...stream,
        chain_hash: proof.chainHash,
        head_seq: Number(proof.headSeq),
        ...(proof.logged === undefined
          ? {}
          : { logged: { seq: Number(proof.logged.seq), receipt_id: proof.logged.receiptId } }),
      };
    case "differs":
      return { ...stream, from: proof.from, own_chain: proof.ownChain, their_chain: proof.theirChain };
    case "cut_short":
      return stream;
  }
}

/** Number of the newest event; undefined for a stream without any. */
async function headOf(connection: Connection, streamId: string): Promise<bigint | undefined> {
  const { ProblemError, Streams, createClient } = await import("@openagents/contracts");
  try {
    return (await createClient(Streams, connection.client).getStreamDigest({ streamId, from: 0n, to: 0n }))
      .headSeq;
  } catch (error) {
    if (error instanceof ProblemError && error.code === "stream_not_found") return undefined;
    throw error;
  }
}

function streamNotFound(streamId: string): CliError {
  return new CliError("stream_not_found", `there is no stream ${streamId} of your organisation`, {
    nextStep: "`openagents streams ls` shows those that have events",
  });
}

function parseStream(text: string): string {
  if (/^[0-9A-Za-z_:.-]{1,160}$/.test(text)) return text;
  throw new InvalidArgumentError("Give a stream's name; `openagents streams ls` shows them.");
}

function parseSeq(text: string): bigint {
  if (/^[0-9]{1,15}$/.test(text)) return BigInt(text);
  throw new InvalidArgumentError("Give the number of an event; 0 is before the first.");
}
