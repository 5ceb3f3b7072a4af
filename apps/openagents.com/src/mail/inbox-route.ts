import type { FastifyInstance } from "fastify";
import { inboxPage, type DevelopmentInbox } from "./development-inbox.ts";

const POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** `/dev/mail`: the inbox as a page, or as JSON where that is what is asked for. For development on loopback alone. */
export function registerInbox(scope: FastifyInstance, inbox: DevelopmentInbox): void {
  scope.get("/dev/mail", (request, reply) => {
    void reply.header("cache-control", "no-store").header("content-security-policy", POLICY);
    if ((request.headers.accept ?? "").includes("application/json")) {
      const mails = inbox.list().map(({ sentAtMs, ...mail }) => ({
        ...mail,
        sent_at: new Date(sentAtMs).toISOString(),
      }));
      return reply.header("content-type", "application/json; charset=utf-8").send(JSON.stringify({ mails }));
    }
    return reply.header("content-type", "text/html; charset=utf-8").send(inboxPage(inbox.list()));
  });
}
