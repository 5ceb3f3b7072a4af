// Which pages of other origins may ask for a session: the console is served by
// another service. A token is needed all the same; no cookie is ever looked at.

import { isLoopbackOrigin, type ServiceApp } from "@openagents/service";

export type CrossOrigin = {
  /** Of pages, such as `https://openagents.example`. */
  readonly allowedOrigins: readonly string[];
  /** Whether pages that are served on loopback are this computer's own. */
  readonly loopback: boolean;
};

const HEADERS =
  "authorization, content-type, x-oa-client-build-id, x-oa-protocol-version, x-oa-schema-version";
const REMEMBERED_S = "600";

/** Call before the routes are mounted. */
export function allowCrossOrigin(app: ServiceApp["app"], allowed: CrossOrigin): void {
  app.addHook("onRequest", async (request, reply) => {
    const { origin } = request.headers;
    if (origin === undefined || !isAllowed(origin, allowed)) return;
    reply.headers({ "access-control-allow-origin": origin, vary: "origin" });
  });
  app.options("/v1/*", async (_request, reply) =>
    reply
      .headers({
        "access-control-allow-methods": "GET, POST",
        "access-control-allow-headers": HEADERS,
        "access-control-max-age": REMEMBERED_S,
      })
      .code(204)
      .send(),
  );
}

function isAllowed(origin: string, { allowedOrigins, loopback }: CrossOrigin): boolean {
  return allowedOrigins.includes(origin) || (loopback && isLoopbackOrigin(origin));
}
