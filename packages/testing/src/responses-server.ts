// A scripted Responses API for tests of agents that call a model over HTTP. No
// model is behind it, and its name says so: it plays recorded turns, whatever
// the agent writes. It listens on loopback only.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { randomUUID } from "node:crypto";
import { once } from "node:events";

/**
 * A turn answers one message of the user. Its steps come one by one: the next
 * is played when the agent has reported the output of the one before. A turn
 * ends with its last `say`.
 */
export type ResponsesScript = readonly (readonly ScriptedStep[])[];

export type ScriptedStep =
  | { readonly say: string }
  /** A shell command; with `escalate`, asked to run outside of the sandbox, for the reason given. */
  | { readonly run: string; readonly escalate?: string }
  /** The body of a patch in the `*** Begin Patch` format, applied by a heredoc. */
  | { readonly patch: string }
  /** The request is refused with this HTTP status. */
  | { readonly fail: number };

export type ResponsesServer = {
  /** Ends in `/v1`. */
  readonly baseUrl: string;
  readonly model: string;
  /** Every request so far, in order. */
  readonly requests: readonly ScriptedRequest[];
  /** What the tool calls printed, in order, as the agent reported it to the model. */
  outputs(): readonly string[];
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

export type ScriptedRequest = {
  readonly authorization: string | undefined;
  /** The turn and step that were answered. */
  readonly turn: number;
  readonly step: number;
  readonly body: string;
};

const MODEL = "scripted-no-model";
const BODY_BYTES_MAX = 32 * 1024 * 1024;
const USAGE_PER_RESPONSE = { inputTokens: 100, outputTokens: 10 };

export async function startResponsesServer(script: ResponsesScript): Promise<ResponsesServer> {
  for (const turn of script) {
    const last = turn.at(-1);
    if (last === undefined || !("say" in last || "fail" in last))
      throw new Error("Each scripted turn must end with `say` or `fail`.");
  }
  const requests: ScriptedRequest[] = [];
  const outputs = new Map<string, string>();
  let turnsBegun = 0;
  const server = createServer((request, response) => {
    answer(request, response).catch((cause: unknown) => response.destroy(asError(cause)));
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    if (request.method !== "POST" || request.url !== "/v1/responses") {
      response.writeHead(404).end();
      return;
    }
    const input = parseInput(body);
    for (const { callId, output } of input.outputs) outputs.set(callId, output);
    const reported = input.last && /^call_(\d+)_(\d+)$/.exec(input.last);
    const [turn, step] = reported ? [Number(reported[1]), Number(reported[2]) + 1] : [turnsBegun++, 0];
    requests.push({ authorization: request.headers.authorization, turn, step, body });
    play(response, script[turn] ?? [{ say: "The script is over." }], turn, step);
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port.");
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return {
    baseUrl: `http://127.0.0.1:${address.port}/v1`,
    model: MODEL,
    requests,
    outputs: () => [...outputs.values()],
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** One response: words, up to and with the next tool call or the end of the turn. */
function play(response: ServerResponse, steps: readonly ScriptedStep[], turn: number, from: number): void {
  const id = `resp_${randomUUID()}`;
  const items: object[] = [];
  for (let index = from; index < steps.length; index += 1) {
    const step = steps[index];
    if (step === undefined) break;
    if ("fail" in step) {
      response.writeHead(step.fail, { "content-type": "application/json" });
      response.end(JSON.stringify({ error: { message: "The script refuses this request." } }));
      return;
    }
    items.push("say" in step ? messageOf(step.say) : callOf(step, `call_${turn}_${index}`));
    if (!("say" in step)) break;
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  const send = (type: string, members: object) =>
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...members })}\n\n`);
  send("response.created", { response: { id } });
  for (const [index, item] of items.entries()) {
    send("response.output_item.added", { output_index: index, item });
    send("response.output_item.done", { output_index: index, item });
  }
  const usage = {
    input_tokens: USAGE_PER_RESPONSE.inputTokens,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: USAGE_PER_RESPONSE.outputTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: USAGE_PER_RESPONSE.inputTokens + USAGE_PER_RESPONSE.outputTokens,
  };
  send("response.completed", { response: { id, status: "completed", output: items, usage } });
  response.end();
}

function messageOf(text: string): object {
  return {
    type: "message",
    id: `msg_${randomUUID()}`,
    role: "assistant",
    content: [{ type: "output_text", text, annotations: [] }],
  };
}

function callOf(step: Exclude<ScriptedStep, { say: string } | { fail: number }>, callId: string): object {
  const command = "run" in step ? step.run : `apply_patch <<'SCRIPTED'\n${step.patch}\nSCRIPTED\n`;
  const escalation =
    "run" in step && step.escalate !== undefined
      ? { sandbox_permissions: "require_escalated", justification: step.escalate }
      : {};
  return {
    type: "function_call",
    id: `fc_${randomUUID()}`,
    call_id: callId,
    name: "exec_command",
    arguments: JSON.stringify({ cmd: command, yield_time_ms: 30_000, ...escalation }),
  };
}

/** The reported outputs, and the call that the newest item reports if it reports one. */
function parseInput(body: string): {
  outputs: readonly { callId: string; output: string }[];
  last: string | undefined;
} {
  const value: unknown = JSON.parse(body);
  if (!isRecord(value) || !Array.isArray(value["input"])) throw new Error("The request has no input.");
  const outputs = [];
  let last: string | undefined;
  for (const item of value["input"]) {
    last = undefined;
    if (!isRecord(item) || item["type"] !== "function_call_output") continue;
    const { call_id: callId, output } = item;
    if (typeof callId !== "string") throw new Error("A tool's output names no call.");
    outputs.push({ callId, output: typeof output === "string" ? output : JSON.stringify(output) });
    last = callId;
  }
  return { outputs, last };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw new Error(`A request has over ${BODY_BYTES_MAX} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause));
}
