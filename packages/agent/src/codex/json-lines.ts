// The wire of the app server: one JSON object a line, JSON-RPC 2.0 without its
// `jsonrpc` member, requests in both directions.

import type { Readable, Writable } from "node:stream";
import { AgentError } from "../agent.ts";

/** A line holds at most one item with a command's whole output. */
const LINE_CHARS_MAX = 64 * 1024 * 1024;

export type Peer = {
  /** Rejects with `AgentError` `codex_refused` for an answer that is an error, and as `broken` does. */
  request(method: string, params: object): Promise<unknown>;
  notify(method: string): void;
  /** Rejects when the stream ends (`codex_ended`), is no protocol (`codex_protocol`), or a handler throws; never resolves. */
  readonly broken: Promise<never>;
};

export type PeerHandlers = {
  /** What is wanted of the notifications; the others are dropped before they wait for anything. */
  readonly wanted: (method: string) => boolean;
  /** Called one after the other, in the order of arrival. */
  readonly onNotification: (method: string, params: unknown) => Promise<void>;
  /** The result to answer with; undefined answers that the method is not served. */
  readonly onRequest: (method: string, params: unknown) => Promise<object | undefined>;
};

export function createPeer(input: Readable, output: Writable, handlers: PeerHandlers): Peer {
  const pending = new Map<number, { resolve: (value: unknown) => void; reject: (cause: unknown) => void }>();
  const send = (message: object) => void output.write(`${JSON.stringify(message)}\n`);
  let lastId = 0;
  let queue: Promise<void> = Promise.resolve();
  const { promise: broken, reject: fail } = Promise.withResolvers<never>();
  broken.catch((cause: unknown) => {
    for (const { reject } of pending.values()) reject(cause);
    pending.clear();
    input.destroy();
  });

  function receive(line: string): void {
    const message = parseMessage(line);
    if (message.kind === "answer") {
      const waiting = pending.get(message.id);
      pending.delete(message.id);
      if (message.error === undefined) waiting?.resolve(message.result);
      else waiting?.reject(new AgentError("codex_refused", `Codex refuses: ${message.error}.`));
    } else if (message.kind === "request") {
      queue = queue.then(() => answer(message)).catch(fail);
    } else if (handlers.wanted(message.method)) {
      queue = queue.then(() => handlers.onNotification(message.method, message.params)).catch(fail);
    }
  }

  async function answer({ id, method, params }: Extract<Message, { kind: "request" }>): Promise<void> {
    const result = await handlers.onRequest(method, params);
    if (result !== undefined) send({ id, result });
    else send({ id, error: { code: -32601, message: `${method} is not served here` } });
  }

  readLines(input, receive).then(
    () => fail(new AgentError("codex_ended", "Codex has ended in the middle of its work.")),
    fail,
  );
  return {
    broken,
    notify: (method) => send({ method }),
    request(method, params) {
      const id = (lastId += 1);
      const answered = new Promise<unknown>((resolve, reject) => pending.set(id, { resolve, reject }));
      send({ id, method, params });
      return Promise.race([answered, broken]);
    },
  };
}

async function readLines(input: Readable, receive: (line: string) => void): Promise<void> {
  input.setEncoding("utf8");
  let rest = "";
  for await (const chunk of input) {
    const lines = (rest + String(chunk)).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") receive(line);
    if (rest.length > LINE_CHARS_MAX) throw malformed("a line that does not end");
  }
}

type Message =
  | { kind: "answer"; id: number; result: unknown; error: string | undefined }
  | { kind: "request"; id: string | number; method: string; params: unknown }
  | { kind: "notification"; method: string; params: unknown };

function parseMessage(line: string): Message {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw malformed("a line that is not JSON");
  }
  if (typeof value !== "object" || value === null) throw malformed("a line that is no message");
  const id = "id" in value ? value.id : undefined;
  const params = "params" in value ? value.params : undefined;
  if ("method" in value && typeof value.method === "string") {
    const { method } = value;
    if (id === undefined) return { kind: "notification", method, params };
    if (typeof id === "string" || typeof id === "number") return { kind: "request", id, method, params };
  }
  if (typeof id !== "number") throw malformed("a message that is neither call nor answer");
  const error = "error" in value ? errorText(value.error) : undefined;
  return { kind: "answer", id, result: "result" in value ? value.result : undefined, error };
}

function errorText(error: unknown): string {
  const message = typeof error === "object" && error !== null && "message" in error ? error.message : error;
  return typeof message === "string" ? message : "no reason given";
}

function malformed(what: string): AgentError {
  return new AgentError("codex_protocol", `Codex sent ${what}. Its version is not the pinned one.`);
}
