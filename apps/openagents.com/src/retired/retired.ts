// Lanes that are no more: they passed their sunset, and say where to go instead.

import { ProblemError, requestIdOf } from "@openagents/contracts";
import type { FastifyInstance } from "fastify";

type Retired = {
  /** Routes of Fastify. */
  readonly routes: readonly string[];
  readonly successor: string;
};

/** With `docs/compatibility.md`, which tests/retired.pg.test.ts compares with this. */
export const RETIRED: readonly Retired[] = [
  { routes: ["/api/chat", "/api/chat/*"], successor: "/api/runtime/threads" },
  { routes: ["/api/chats", "/api/chats/*"], successor: "/api/runtime/threads" },
  { routes: ["/api/v1/auth", "/api/v1/auth/*"], successor: "/api/auth" },
  { routes: ["/api/v1/control", "/api/v1/control/*"], successor: "/openapi.json" },
  { routes: ["/api/v1", "/api/v1/*"], successor: "/openapi.json" },
];

const SUNSET_DATE = "2026-06-30";
const SUNSET = "Tue, 30 Jun 2026 00:00:00 GMT";

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

/** Call once, before the app listens. */
export function serveRetiredLanes(app: FastifyInstance): void {
  for (const { routes, successor } of RETIRED)
    for (const url of routes)
      app.route({
        method: [...METHODS],
        url,
        exposeHeadRoute: false,
        // Before the body is read, which nobody will look at.
        onRequest: async (request, reply) => {
          reply.headers({
            "x-request-id": requestIdOf(request),
            "x-oa-compat-sunset-date": SUNSET_DATE,
            sunset: SUNSET,
            link: `<${successor}>; rel="successor-version"`,
          });
          throw new ProblemError({
            status: 410,
            code: "lane_retired",
            detail: `This lane ended on ${SUNSET_DATE}. Use ${successor} instead; docs/compatibility.md lists what went where.`,
          });
        },
        handler: async () => undefined,
      });
}
