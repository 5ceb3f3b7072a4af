// Whether a request becomes a session. Checks in this order: host and origin
// (403), path (404), compatibility (426), protocol (400), drain (503), token
// (401), how current revocations are (503), limits (429).

import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import {
  COMPATIBILITY_WINDOW,
  PROBLEM_CONTENT_TYPE,
  ProblemError,
  decideCompatibility,
  describeWindow,
  problemBody,
  windowHeaders,
} from "@openagents/contracts";
import { PROTOCOLS, type Compression, type Protocol } from "../protocol/index.ts";
import { requireModule } from "./http.ts";

const PATH = /^\/v1\/database\/([^/]{1,200})\/subscribe$/;

export type UpgradeRequest = {
  readonly token: string | undefined;
  readonly protocol: Protocol;
  readonly compression: Compression;
  readonly connectionId: bigint;
};

/** What a client asks for. Throws `ProblemError`. */
export function readUpgrade(request: IncomingMessage): UpgradeRequest {
  const url = new URL(request.url ?? "/", "http://sync.invalid");
  const name = PATH.exec(url.pathname)?.[1];
  if (name === undefined) {
    const detail = "Open a session at /v1/database/:name/subscribe.";
    throw new ProblemError({ status: 404, code: "route_not_found", detail });
  }
  requireModule(decodeURIComponent(name));
  requireCompatible(request, url.searchParams);
  const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((text) => text.trim());
  const protocol = PROTOCOLS.find((known) => offered.includes(known));
  if (protocol === undefined) {
    const detail = `Offer one of the WebSocket protocols ${PROTOCOLS.join(", ")}.`;
    throw new ProblemError({ status: 400, code: "protocol_unsupported", detail });
  }
  return {
    token: url.searchParams.get("token") ?? bearerOf(request.headers.authorization),
    protocol,
    compression: compressionOf(url.searchParams.get("compression")),
    connectionId: connectionIdOf(url.searchParams.get("connection_id")),
  };
}

export function bearerOf(authorization: string | undefined): string | undefined {
  return /^Bearer ([A-Za-z0-9_\-.]{20,8192})$/.exec(authorization ?? "")?.[1];
}

/** Answer an upgrade that is refused, as a problem, and close. */
export function refuseUpgrade(socket: Duplex, problem: ProblemError): void {
  const body = problemBody(problem, `req_${randomBytes(16).toString("hex")}`);
  const headers = {
    "content-type": PROBLEM_CONTENT_TYPE,
    "content-length": String(Buffer.byteLength(body)),
    "cache-control": "no-store",
    connection: "close",
    ...(problem instanceof IncompatibleError ? problem.headers : {}),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  // A client that went away in the meantime is no failure of ours.
  socket.once("error", () => socket.destroy());
  socket.end(`HTTP/1.1 ${problem.status} ${problem.title}\r\n${lines.join("\r\n")}\r\n\r\n${body}`);
}

class IncompatibleError extends ProblemError {
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: Parameters<typeof windowHeaders>[0]) {
    super({ status: 426, code, detail: describeWindow(COMPATIBILITY_WINDOW) });
    this.headers = windowHeaders(code, COMPATIBILITY_WINDOW);
  }
}

/** Browsers cannot set headers on a WebSocket, so that the query says it as well. */
function requireCompatible(request: IncomingMessage, query: URLSearchParams): void {
  const said = (name: string): string | undefined => {
    const header = request.headers[name];
    return (typeof header === "string" ? header : undefined) ?? query.get(name) ?? undefined;
  };
  const code = decideCompatibility(
    {
      buildId: said("x-oa-client-build-id"),
      protocolVersion: said("x-oa-protocol-version"),
      schemaVersion: said("x-oa-schema-version"),
    },
    COMPATIBILITY_WINDOW,
  );
  if (code !== undefined) throw new IncompatibleError(code);
}

const COMPRESSIONS: Readonly<Record<string, Compression>> = { gzip: "gzip", brotli: "brotli", none: "none" };

function compressionOf(text: string | null): Compression {
  return COMPRESSIONS[(text ?? "").toLowerCase()] ?? "none";
}

function connectionIdOf(text: string | null): bigint {
  const hex = /^[0-9a-f]{1,32}$/i.test(text ?? "") ? text : randomBytes(16).toString("hex");
  return BigInt(`0x${hex}`);
}
