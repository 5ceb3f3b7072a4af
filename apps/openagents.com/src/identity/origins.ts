// Which pages may talk to this service: its own, and those on the allowlist.
// Another site's page gets no answer that it could read, and a command that it
// sends with a person's cookie is refused.

import { ProblemError } from "@openagents/contracts";
import type { FastifyInstance, FastifyRequest } from "fastify";

export type Origins = {
  isAllowed(origin: string): boolean;
};

export function createOrigins(publicUrl: () => string, allowed: readonly string[]): Origins {
  const others = new Set(allowed);
  return { isAllowed: (origin) => origin === new URL(publicUrl()).origin || others.has(origin) };
}

/** Throws 403 for a request that a page of another site sent, or, where `required`, for one that names no page. */
export function assertOrigin(origins: Origins, request: FastifyRequest, required: boolean): void {
  const { origin } = request.headers;
  if (origin === undefined || origin === "") {
    if (!required && request.headers["sec-fetch-site"] !== "cross-site") return;
  } else if (origins.isAllowed(origin)) return;
  throw new ProblemError({
    status: 403,
    code: "origin_not_allowed",
    detail: "Commands with a cookie come from this service's own pages, and name them in `Origin`.",
  });
}

const METHODS = "GET, POST, PUT, PATCH, DELETE";
const HEADERS =
  "authorization, content-type, idempotency-key, x-request-id, x-oa-client-build-id, x-oa-protocol-version, x-oa-schema-version";
const EXPOSED = "x-request-id, retry-after, idempotent-replayed";
const PREFLIGHT_LIFE_S = 600;

/**
 * CORS for `/api/*`: pages on the allowlist may call with a token. Cookies are
 * for our own pages alone, so that credentials are never allowed across origins.
 */
export function registerCors(app: FastifyInstance, origins: Origins): void {
  app.addHook("onRequest", (request, reply, done) => {
    const { origin } = request.headers;
    if (request.url.startsWith("/api/")) {
      void reply.header("vary", "Origin");
      if (origin !== undefined && origins.isAllowed(origin)) {
        void reply
          .header("access-control-allow-origin", origin)
          .header("access-control-expose-headers", EXPOSED);
      }
    }
    done();
  });
  app.options("/api/*", (request, reply) => {
    const { origin } = request.headers;
    if (origin !== undefined && origins.isAllowed(origin)) {
      void reply
        .header("access-control-allow-methods", METHODS)
        .header("access-control-allow-headers", HEADERS)
        .header("access-control-max-age", PREFLIGHT_LIFE_S);
    }
    return reply.code(204).send();
  });
}
