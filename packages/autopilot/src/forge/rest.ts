// One request to a forge's REST API, and what its failure means. A token goes to
// the forge's own API and nowhere else: no redirect is followed with it.

import type { JsonObject, JsonValue } from "@openagents/receipts";
import { ForgeError } from "./forge-error.ts";

export type RestCall = {
  readonly method: "GET" | "POST" | "PATCH";
  /** Below the API's root, each part encoded already. */
  readonly path: string;
  readonly body?: JsonObject;
};

export type Rest = {
  /** Undefined for 404. Throws `ForgeError`, or the signal's reason. */
  find(call: RestCall): Promise<JsonValue | undefined>;
  /** 404 throws too. */
  request(call: RestCall): Promise<JsonValue>;
};

export type RestSettings = {
  readonly apiUrl: string;
  readonly token: string | undefined;
  readonly signal: AbortSignal;
  readonly fetch?: typeof fetch;
};

const ANSWER_MS_MAX = 30_000;
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

export function openRest({ apiUrl, token, signal, fetch: send = fetch }: RestSettings): Rest {
  const host = new URL(apiUrl).host;

  async function ask({ method, path, body }: RestCall): Promise<Answer> {
    // What was sent may have been done; reading does nothing.
    const lost = method === "GET" ? "rejected" : "unknown";
    try {
      const answer = await send(`${apiUrl}${path}`, {
        method,
        headers: headersOf(token, body !== undefined),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        redirect: "manual",
        signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS_MAX)]),
      });
      return { status: answer.status, text: await readBounded(answer) };
    } catch (cause) {
      signal.throwIfAborted();
      const why = reasonOf(cause);
      throw new ForgeError("forge_unreachable", `${host} gave no answer: ${why}.`, lost, undefined, cause);
    }
  }

  async function find(call: RestCall): Promise<JsonValue | undefined> {
    const { status, text } = await ask(call);
    if (status === 404) return undefined;
    if (status >= 200 && status < 300) return parseAnswer(host, call, text);
    throw failureOf(host, call, status, text, token !== undefined);
  }

  return {
    find,
    async request(call) {
      const found = await find(call);
      if (found !== undefined) return found;
      const hint = token === undefined ? " Without a token, only what is public is seen." : "";
      throw new ForgeError(
        "forge_not_found",
        `${host} knows no ${call.path}, or does not show it.${hint}`,
        "rejected",
        404,
      );
    },
  };
}

type Answer = { readonly status: number; readonly text: string };

function headersOf(token: string | undefined, hasBody: boolean): Record<string, string> {
  return {
    accept: "application/json",
    "user-agent": "openagents",
    ...(hasBody ? { "content-type": "application/json" } : {}),
    ...(token === undefined ? {} : { authorization: `token ${token}` }),
  };
}

async function readBounded(answer: Response): Promise<string> {
  if (answer.body === null) return "";
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw new Error("its answer is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parseAnswer(host: string, call: RestCall, text: string): JsonValue {
  if (text === "") return null;
  try {
    return JSON.parse(text) as JsonValue;
  } catch (cause) {
    throw new ForgeError(
      "forge_answer_invalid",
      `${host} answered ${call.method} ${call.path} with something that is no JSON.`,
      call.method === "GET" ? "rejected" : "unknown",
      200,
      cause,
    );
  }
}

function failureOf(
  host: string,
  call: RestCall,
  status: number,
  text: string,
  hasToken: boolean,
): ForgeError {
  const said = messageIn(text);
  const what = `${host} answered ${call.method} ${call.path} with ${status}${said === "" ? "" : ` (${said})`}.`;
  // Behind a failing gateway, the request may have come through.
  if (status >= 500)
    return new ForgeError("forge_failed", what, call.method === "GET" ? "rejected" : "unknown", status);
  if (status === 401 || status === 403) {
    const next = hasToken
      ? "Check that the token is valid and may do this."
      : "Set a token: OPENAGENTS_FORGE_TOKEN.";
    return new ForgeError("forge_refused", `${what} ${next}`, "rejected", status);
  }
  if (status === 429) return new ForgeError("forge_limited", `${what} Try again later.`, "rejected", status);
  if (status >= 300 && status < 400)
    return new ForgeError(
      "forge_moved",
      `${what} The repository has moved; use its new address.`,
      "rejected",
      status,
    );
  return new ForgeError("forge_refused", what, "rejected", status);
}

function messageIn(text: string): string {
  try {
    const { message } = objectOf(JSON.parse(text) as JsonValue);
    return typeof message === "string" ? message.replace(/\s+/g, " ").slice(0, 200) : "";
  } catch {
    return "";
  }
}

/** What is no object has no members. */
export function objectOf(value: JsonValue): JsonObject {
  return isObject(value) ? value : {};
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  if (cause.name === "TimeoutError") return `nothing within ${ANSWER_MS_MAX / 1000} s`;
  return cause.cause instanceof Error ? cause.cause.message : cause.message;
}
