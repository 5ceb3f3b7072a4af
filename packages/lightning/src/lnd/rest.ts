// lnd's REST interface: HTTPS to one pinned certificate, a macaroon on each
// request, JSON bodies, and streams of one JSON object a line.
//
// Each request carries the macaroon narrowed to the next minute. A request that
// was held up on the way, in a proxy or a queue, is refused by lnd after that:
// otherwise a payment that everybody has given up could still be sent.

import { Agent, request, type RequestOptions } from "node:https";
import type { IncomingMessage } from "node:http";
import { bytesToHex } from "@noble/hashes/utils.js";
import { LightningError } from "../node.ts";
import { attenuate } from "./attenuate.ts";

export type LndRestConfig = {
  /** `https://host:port`, where lnd's `restlisten` is. */
  readonly url: string;
  /** lnd's `tls.cert` in PEM. No other certificate is believed. */
  readonly tlsCert: string;
  readonly macaroon: Uint8Array;
  readonly requestLifeMs: number;
  readonly nowMs: () => number;
};

/** An error that lnd itself answered, in gRPC's codes. */
export class LndError extends LightningError {
  readonly grpcCode: number;

  constructor(grpcCode: number, problem: string) {
    super(
      FORBIDS.test(problem) || grpcCode === 7 || grpcCode === 16 ? "node_forbids" : "node_refused",
      problem,
    );
    this.name = "LndError";
    this.grpcCode = grpcCode;
  }
}

// lnd answers most refusals of a macaroon with the code for "unknown".
const FORBIDS = /macaroon|permission denied|verification failed|cannot get caveat|caveat .* not satisfied/i;

/** Largest answer that is read into memory: thousands of payments. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

export type Wait = { readonly timeoutMs?: number; readonly signal?: AbortSignal | undefined };

const TIMEOUT_MS_DEFAULT = 30_000;

export class LndRest implements Disposable {
  readonly #config: LndRestConfig;
  readonly #agent: Agent;

  constructor(config: LndRestConfig) {
    if (new URL(config.url).protocol !== "https:") throw new RangeError("lnd is spoken to over https only");
    this.#config = config;
    // As many connections as calls: a payment under way holds one, and must not keep another from being tracked.
    this.#agent = new Agent({ keepAlive: true, ca: config.tlsCert });
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  /** One answer, parsed. Throws LndError for lnd's own refusals, LightningError `node_unreachable` for silence. */
  async call(method: "GET" | "POST", path: string, body?: object, wait: Wait = {}): Promise<unknown> {
    const response = await this.#open(method, path, body, wait);
    const text = await textOf(response);
    const answer = parse(text, response.statusCode);
    if (response.statusCode !== 200) throw errorOf(answer, response.statusCode, text);
    return answer;
  }

  /** The results of a stream as they come. Ends only when lnd ends it; throws like `call` otherwise. */
  async *stream(
    method: "GET" | "POST",
    path: string,
    body?: object,
    wait: Wait = {},
  ): AsyncGenerator<unknown> {
    const response = await this.#open(method, path, body, wait);
    try {
      if (response.statusCode !== 200) {
        const text = await textOf(response);
        throw errorOf(parse(text, response.statusCode), response.statusCode, text);
      }
      for await (const line of linesOf(response)) {
        const { result, error } = recordOf(parse(line, 200));
        if (error !== undefined) throw errorOf(error, 200, line);
        yield result;
      }
      // A proxy that dies may end the body cleanly; Node says it when it did not.
      if (!response.complete) throw unreachable("the stream broke off");
    } catch (error) {
      throw error instanceof LightningError ? error : unreachable("the stream broke off", error);
    } finally {
      response.destroy();
    }
  }

  #open(method: string, path: string, body: object | undefined, wait: Wait): Promise<IncomingMessage> {
    const { url, macaroon, requestLifeMs, nowMs } = this.#config;
    const until = new Date(nowMs() + requestLifeMs).toISOString();
    const text = body === undefined ? undefined : JSON.stringify(body);
    const deadline = deadlineIn(wait.timeoutMs ?? TIMEOUT_MS_DEFAULT);
    const options: RequestOptions = {
      method,
      agent: this.#agent,
      signal: wait.signal === undefined ? deadline : AbortSignal.any([deadline, wait.signal]),
      headers: {
        "grpc-metadata-macaroon": bytesToHex(attenuate(macaroon, `time-before ${until}`)),
        ...(text === undefined
          ? {}
          : { "content-type": "application/json", "content-length": Buffer.byteLength(text) }),
      },
    };
    return new Promise((resolve, reject) => {
      const sent = request(new URL(path, url), options, resolve);
      // Also after the answer began: then the body reports it, and this is a no-op.
      sent.on("error", (cause) => reject(unreachable("lnd does not answer", cause)));
      sent.end(text);
    });
  }
}

// Timers of Node count whole milliseconds and hold 31 bits of them.
export const TIMER_MS_MAX = 2 ** 31 - 1;

export function deadlineIn(ms: number): AbortSignal {
  return AbortSignal.timeout(Math.min(Math.max(Math.ceil(ms), 0), TIMER_MS_MAX));
}

function unreachable(problem: string, cause?: unknown): LightningError {
  return new LightningError("node_unreachable", problem, { cause });
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > ANSWER_BYTES_MAX)
        throw new LightningError("node_answer_malformed", "lnd's answer is too long");
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof LightningError ? error : unreachable("lnd's answer broke off", error);
  }
  return Buffer.concat(chunks).toString("utf8");
}

async function* linesOf(response: IncomingMessage): AsyncGenerator<string> {
  let rest = "";
  response.setEncoding("utf8");
  for await (const chunk of response as AsyncIterable<string>) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > ANSWER_BYTES_MAX)
      throw new LightningError("node_answer_malformed", "lnd's answer is too long");
    for (const line of lines) if (line !== "") yield line;
  }
  if (rest !== "") yield rest;
}

function parse(text: string, status: number | undefined): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    // A proxy's own page, or half an answer: nothing that lnd said.
    throw unreachable(`an answer with status ${status} is not lnd's`, cause);
  }
}

function recordOf(value: unknown): { readonly result?: unknown; readonly error?: unknown } {
  if (typeof value === "object" && value !== null) return value;
  throw new LightningError("node_answer_malformed", "lnd's answer is no object");
}

function errorOf(answer: unknown, status: number | undefined, text: string): LightningError {
  // Streams wrap their errors, single calls do not.
  const { error = answer } = recordOf(answer);
  const { code, message } = { code: undefined, message: undefined, ...recordOf(error) };
  // 1 canceled, 4 deadline, 14 unavailable: lnd's HTTP half speaks for a node that it could not ask to the end.
  if (typeof code === "number" && typeof message === "string" && ![1, 4, 14].includes(code))
    return new LndError(code, message);
  return unreachable(`lnd answered ${status}: ${text.slice(0, 200)}`);
}
