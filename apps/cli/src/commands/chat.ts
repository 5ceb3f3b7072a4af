// `openagents chat`: say something to an agent on a device of yours, and read its answer as it comes.

import type { JsonObject } from "@openagents/contracts";
import { Command, InvalidArgumentError } from "commander";
import { CliError, EXIT } from "../cli-error.ts";
import { connect } from "../connection.ts";
import { addDataDirOption, setBody, type Context, type DataDirOption } from "../context.ts";
import { connectControl } from "../device/index.ts";
import { catchStopSignals } from "../stop-signals.ts";
import { printable } from "../terminal/index.ts";

const HELP = `
Opens a thread, or goes on with --thread, and waits for the answer. A device that is away
gets the message when it is back; Ctrl-C stops the waiting, not the work.

Examples:
  openagents chat "what does this repository do?"
  openagents chat --thread thr_0123… "and how is it tested?"

Exit codes: 0 answered; 1 the turn failed, or no device takes messages; 2 wrong arguments;
            130 stopped before the answer was there.`;

type ChatOptions = DataDirOption & { readonly thread?: string; readonly autopilot?: string };

export function chatCommand(context: Context): Command {
  const command = new Command("chat")
    .description("say something to an agent on a device of yours")
    .argument("<text>")
    .option("--thread <id>", "go on with this one", parseThread)
    .option("--autopilot <handle>", "of a new thread")
    .addHelpText("after", HELP);
  addDataDirOption(command);
  return setBody<ChatOptions>(command, async (options, [text = ""]) => {
    const { Threads, createClient } = await import("@openagents/contracts");
    const { followStream } = await import("../sync/index.ts");
    const { baseUrl, personToken } = connectControl(context, options);
    const threads = createClient(Threads, { baseUrl, token: personToken });
    const threadId =
      options.thread ?? (await threads.createThread({ autopilot: options.autopilot })).thread.threadId;
    const { streamId, headSeq } = await threads.listThreadEvents({ threadId, limit: 1 });
    const { message, deviceOnline } = await threads.postThreadMessage({ threadId, text });
    const json = options.json === true;
    if (!json) {
      const waits = deviceOnline ? "" : "; the device is away and gets it when it is back";
      context.err.line(context.err.style.dim(`${threadId}${waits}`));
    }
    using stop = catchStopSignals(() => undefined);
    let end: "finished" | "failed" | undefined;
    await followStream(context, options, connect(context, options), {
      streamId,
      afterSeq: headSeq,
      signal: stop.signal,
      onEvent(event) {
        const said = JSON.parse(event.payload) as { readonly kind: string; readonly payload: JsonObject };
        if (json) context.out.line(event.payload);
        else show(context, said);
        if (said.payload["request_id"] !== message.requestId) return false;
        if (said.kind === "turn.finished") end = "finished";
        if (said.kind === "turn.failed") end = "failed";
        return end !== undefined;
      },
    });
    if (end === undefined) return EXIT.interrupted;
    if (end === "failed")
      throw new CliError("turn_failed", "the agent did not come to an end", {
        nextStep: `see it again with \`openagents chat --thread ${threadId} …\``,
      });
    return EXIT.ok;
  });
}

type ToldMessage = {
  readonly role: string;
  readonly text: string;
  readonly tool: { readonly summary?: string };
};

function show(
  { out }: Context,
  { kind, payload }: { readonly kind: string; readonly payload: JsonObject },
): void {
  if (kind === "message.created") {
    // Of control, which is the one that writes these streams.
    const { role, text, tool } = payload["message"] as unknown as ToldMessage;
    if (role === "assistant") out.line(printable(text));
    if (role === "tool") out.line(out.style.dim(`· ${printable(tool.summary ?? "")}`));
  }
  if (kind === "message.delta" && typeof payload["text"] === "string") out.line(printable(payload["text"]));
  if (kind === "turn.failed" && typeof payload["message"] === "string")
    out.line(out.style.red(`✗ ${printable(payload["message"])}`));
}

function parseThread(text: string): string {
  if (/^thr_[0-9a-f]{32}$/.test(text)) return text;
  throw new InvalidArgumentError("A thread's id is thr_ and 32 hex digits.");
}
