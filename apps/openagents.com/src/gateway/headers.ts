// Which headers pass the gateway. Pure.

import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";

/** Of one connection only (RFC 9110 §7.6.1). */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "expect",
]);

/**
 * Not the runtime's business: the cookie is this service's own session, the origin was
 * checked where the browser's connection ended, and who forwarded what is hearsay.
 */
const KEPT_BACK = new Set([
  "host",
  "cookie",
  "origin",
  "referer",
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-real-ip",
]);

export function requestHeaders(headers: IncomingHttpHeaders, requestId: string): OutgoingHttpHeaders {
  return { ...passing(headers, KEPT_BACK), "x-request-id": requestId };
}

export function answerHeaders(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  return passing(headers, new Set(["set-cookie"]));
}

function passing(headers: IncomingHttpHeaders, without: ReadonlySet<string>): OutgoingHttpHeaders {
  // A connection's own headers are also those that it names.
  const named = new Set((headers.connection ?? "").toLowerCase().split(/[\s,]+/));
  return Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) => !HOP_BY_HOP.has(name) && !without.has(name) && !named.has(name),
    ),
  );
}
