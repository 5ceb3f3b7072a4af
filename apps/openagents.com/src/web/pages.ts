// Serves the built console: its files, and the one document behind every page
// address. May not answer for addresses of the API, whose errors are problems.

import { access } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fastifyStatic from "@fastify/static";
import { ProblemError } from "@openagents/contracts";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { answerHeaders, pageHeaders } from "./headers.ts";
import { plainPage } from "./plain-page.ts";

export type PagesDeps = {
  /** Where the build left the console. */
  readonly consoleDir: string;
  readonly syncUrl: string;
  readonly publicUrl: string | undefined;
  readonly desktopDownloadUrl: string | undefined;
};

export const CONSOLE_DIR = fileURLToPath(new URL("../../web/dist", import.meta.url));

/** How to have a console where there is none. */
const BUILD_COMMAND = "node apps/openagents.com/web/build.ts";

/** Names in `assets/` carry a hash of their content. */
const IMMUTABLE = "public, max-age=31536000, immutable";

/** Names that a build gives; anything else, such as a step upwards, is no file of the console. */
const FILE_NAME = /^[A-Za-z0-9_-][A-Za-z0-9_.-]*(\/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*$/;

const API_PATH = /^\/(api|internal|log)(\/|$)/;

/** Call once, before the app listens. */
export function servePages(app: FastifyInstance, deps: PagesDeps): void {
  const always = answerHeaders(deps.publicUrl);
  const ofPages = pageHeaders(deps.syncUrl);

  app.addHook("onRequest", (request, reply, done) => {
    reply.headers(always);
    // An answer of the API is for its caller only, unless its route says otherwise.
    if (API_PATH.test(request.url)) reply.header("cache-control", "no-store");
    done();
  });

  void app.register(fastifyStatic, {
    root: deps.consoleDir,
    serve: false,
    preCompressed: true,
    cacheControl: false,
    dotfiles: "ignore",
  });

  app.get("/download-desktop", async (request, reply) => {
    if (deps.desktopDownloadUrl !== undefined) return reply.redirect(deps.desktopDownloadUrl, 307);
    const detail = "This installation offers no download. From a checkout, ./openagents desktop starts it.";
    return refuse(request, reply, 404, "download_not_configured", "No desktop app to download", detail);
  });

  app.get<{ Params: { readonly "*": string } }>("/*", async (request, reply) => {
    const path = pathOf(request);
    if (API_PATH.test(path)) return reply.callNotFound();
    const name = request.params["*"];
    if (/\.[A-Za-z0-9]+$/.test(path)) {
      if (!FILE_NAME.test(name)) return reply.callNotFound();
      reply.headers({
        vary: "accept-encoding",
        "cache-control": name.startsWith("assets/") ? IMMUTABLE : "no-cache",
      });
      return reply.sendFile(name);
    }
    // Whoever asks for a page gets one; a program that mistyped a route gets its problem.
    if (path !== "/" && !takesHtml(request)) return reply.callNotFound();
    if (!(await exists(join(deps.consoleDir, "index.html")))) {
      const detail = `The console is not built here. Build it with: ${BUILD_COMMAND}`;
      return refuse(request, reply, 503, "console_not_built", "The console is not built", detail);
    }
    reply.headers({ ...ofPages, vary: "accept, accept-encoding", "cache-control": "no-cache" });
    return reply.sendFile("index.html");
  });
}

function pathOf(request: FastifyRequest): string {
  return request.url.split("?", 1)[0] ?? "";
}

function takesHtml(request: FastifyRequest): boolean {
  return (request.headers.accept ?? "").includes("text/html");
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function refuse(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  code: string,
  title: string,
  detail: string,
): FastifyReply {
  if (!takesHtml(request)) throw new ProblemError({ status, code, title, detail });
  const page = plainPage(title, detail);
  return reply.code(status).headers(page.headers).type("text/html; charset=utf-8").send(page.html);
}
