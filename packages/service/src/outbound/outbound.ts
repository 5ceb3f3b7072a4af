// Calls to addresses that somebody else named, such as a provider's.
//
// OUT-1  The address that is checked is the one that is connected to: a name is resolved once per call.
// OUT-2  Nothing but the public internet is reached; the laptop stack's own loopback where it is allowed.
// OUT-3  No redirect is followed, and outside of loopback nothing goes unencrypted.
// OUT-4  A call ends: in time, and with an answer of bounded size.
// Held by outbound.test.ts.

import { lookup } from "node:dns/promises";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { LookupFunction } from "node:net";
import { isLoopbackAddress, isPublicAddress } from "./address.ts";

export type OutboundErrorCode =
  | "url_invalid"
  | "address_not_allowed"
  | "not_encrypted"
  | "name_not_found"
  | "unreachable"
  | "redirect_refused"
  | "answer_too_large"
  | "timed_out";

export class OutboundError extends Error {
  override readonly name = "OutboundError";
  readonly code: OutboundErrorCode;
  /** False when it is certain that nothing was sent. */
  readonly sent: boolean;

  constructor(code: OutboundErrorCode, message: string, sent: boolean, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.sent = sent;
  }
}

export type OutboundRequest = {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
};

export type OutboundAnswer = { readonly status: number; readonly body: string };

export type Outbound = {
  /** Throws `OutboundError` for what may not be called or did not answer; any status is an answer, but a redirect. */
  send(request: OutboundRequest): Promise<OutboundAnswer>;
  /** Throws as `send` does for an address that may not be called by its form alone. Resolves nothing. */
  assertAllowed(url: string): void;
  /**
   * The address of a host that may be connected to by another protocol than HTTP: connect to it, and
   * not to the name, and encrypt it unless it is this machine. Throws as `send` does.
   */
  resolveHost(name: string): Promise<{ readonly address: string; readonly isThisMachine: boolean }>;
};

export type OutboundOptions = {
  /** Whether this machine may be called: for the stack of a laptop, whose providers are on it. */
  readonly allowLoopback: boolean;
  /** 10 s when absent. */
  readonly timeoutMs?: number;
  /** 64 KiB when absent. */
  readonly answerBytesMax?: number;
  /** All addresses of a name; the system's resolver when absent. */
  readonly resolve?: (name: string) => Promise<readonly string[]>;
};

const TIMEOUT_MS = 10_000;
const ANSWER_BYTES_MAX = 65_536;

export function createOutbound(options: OutboundOptions): Outbound {
  const resolve = options.resolve ?? resolveAll;
  const isAllowed = (address: string) =>
    isPublicAddress(address) || (options.allowLoopback && isLoopbackAddress(address));

  const parse = (text: string): URL => {
    // The parser turns decimal, octal and hexadecimal forms of an IPv4 address into the dotted one.
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url === undefined || (url.protocol !== "https:" && url.protocol !== "http:"))
      throw refused("url_invalid", "It is not an http or https address.");
    if (url.username !== "" || url.password !== "")
      throw refused("url_invalid", "An address that is called carries no name and password.");
    const literal = literalOf(url);
    if (literal !== undefined) assertAddress(url, literal);
    else if (url.protocol === "http:" && !options.allowLoopback) throw notEncrypted();
    return url;
  };
  const assertAddress = (url: URL, address: string) => {
    if (!isAllowed(address))
      throw refused("address_not_allowed", "The address is not on the public internet.");
    if (url.protocol === "http:" && !isLoopbackAddress(address)) throw notEncrypted();
  };

  return {
    assertAllowed: (text) => void parse(text),
    async resolveHost(name) {
      if (!/^[0-9A-Za-z.-]{1,253}$/.test(name)) throw refused("url_invalid", "It is not the name of a host.");
      const url = parse(`https://${name}`);
      const address =
        literalOf(url) ?? (await resolveOne(url.hostname, resolve, (each) => assertAddress(url, each)));
      return { address, isThisMachine: isLoopbackAddress(address) };
    },
    async send(request) {
      const url = parse(request.url);
      const address =
        literalOf(url) ?? (await resolveOne(url.hostname, resolve, (each) => assertAddress(url, each)));
      const signals = [AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS)];
      if (request.signal !== undefined) signals.push(request.signal);
      const answer = await exchange(request, url, address, AbortSignal.any(signals));
      if (answer.statusCode !== undefined && answer.statusCode >= 300 && answer.statusCode < 400) {
        answer.destroy();
        throw new OutboundError(
          "redirect_refused",
          "It answered with a redirect, and none is followed.",
          true,
        );
      }
      const body = await read(answer, options.answerBytesMax ?? ANSWER_BYTES_MAX);
      return { status: answer.statusCode ?? 0, body };
    },
  };
}

/** An address that is written out in the URL; undefined for a name. */
function literalOf({ hostname }: URL): string | undefined {
  if (hostname.startsWith("[")) return hostname.slice(1, -1);
  return /^[0-9.]+$/.test(hostname) ? hostname : undefined;
}

/** One bad address among good ones refuses the name: which one is taken must not be left to chance. */
async function resolveOne(
  name: string,
  resolve: (name: string) => Promise<readonly string[]>,
  assert: (address: string) => void,
): Promise<string> {
  const addresses = await resolve(name).catch((cause: unknown) => {
    throw new OutboundError("name_not_found", `The name ${name} has no address now.`, false, cause);
  });
  for (const address of addresses) assert(address);
  const [first] = addresses;
  if (first === undefined)
    throw new OutboundError("name_not_found", `The name ${name} has no address now.`, false);
  return first;
}

async function resolveAll(name: string): Promise<readonly string[]> {
  return (await lookup(name, { all: true })).map(({ address }) => address);
}

/** Errors of a connection that was never there, so that nothing went over it. */
const NEVER_CONNECTED = new Set(["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "EADDRNOTAVAIL"]);

function exchange(
  request: OutboundRequest,
  url: URL,
  address: string,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const family = address.includes(":") ? 6 : 4;
  // The name stays in the URL for TLS and the Host header, and leads nowhere but to the checked address.
  const pinned: LookupFunction = (_name, lookupOptions, done) => {
    if (lookupOptions.all === true) done(null, [{ address, family }]);
    else done(null, address, family);
  };
  return new Promise((resolve, reject) => {
    const call = url.protocol === "https:" ? httpsRequest : httpRequest;
    const outgoing = call(url, {
      method: request.method,
      headers: {
        ...request.headers,
        ...(request.body === undefined ? {} : { "content-length": String(Buffer.byteLength(request.body)) }),
      },
      // A connection of its own: a kept one was checked for another call.
      agent: false,
      lookup: pinned,
      signal,
    });
    outgoing.once("response", resolve);
    outgoing.once("error", (error: NodeJS.ErrnoException) => {
      const never = NEVER_CONNECTED.has(error.code ?? "");
      const code = signal.aborted ? "timed_out" : "unreachable";
      reject(new OutboundError(code, "It could not be reached, or did not answer.", !never, error));
    });
    outgoing.end(request.body);
  });
}

async function read(answer: IncomingMessage, bytesMax: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > bytesMax) {
        answer.destroy();
        throw new OutboundError("answer_too_large", `Its answer is longer than ${bytesMax} bytes.`, true);
      }
      chunks.push(chunk);
    }
  } catch (cause) {
    if (cause instanceof OutboundError) throw cause;
    throw new OutboundError("unreachable", "Its answer did not arrive in full.", true, cause);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function refused(code: OutboundErrorCode, message: string): OutboundError {
  return new OutboundError(code, message, false);
}

function notEncrypted(): OutboundError {
  return refused("not_encrypted", "Outside of this machine only https addresses are called.");
}
