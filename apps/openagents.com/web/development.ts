// For `vite` on a developer's own computer, and never in a build: forwards the
// runtime's routes to a stack of `./openagents up`, and hands out its owner's
// tokens in place of the control service.
//
//   OPENAGENTS_DATA_DIR=/path/of/the/stack node node_modules/vite/bin/vite.js apps/openagents.com/web

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Plugin } from "vite";

const run = promisify(execFile);
const launcher = fileURLToPath(new URL("../../../openagents", import.meta.url));

export function developmentStack(): Plugin {
  const dataDir = process.env["OPENAGENTS_DATA_DIR"];
  const openagents = async (...args: string[]) => {
    const home = dataDir === undefined ? [] : ["--data-dir", dataDir];
    return (await run(launcher, [...args, ...home])).stdout.trim();
  };
  return {
    name: "development-stack",
    async config() {
      const status: unknown = JSON.parse(await openagents("status", "--json"));
      const runtime = fieldOf(status, "runtime_url");
      const control = process.env["OPENAGENTS_CONTROL_URL"];
      const proxy = Object.fromEntries(["/internal/v1", "/log"].map((path) => [path, { target: runtime }]));
      if (control !== undefined) proxy["/api"] = { target: control };
      return { server: { proxy } };
    },
    async configureServer(server) {
      if (process.env["OPENAGENTS_CONTROL_URL"] !== undefined) return;
      const status: unknown = JSON.parse(await openagents("status", "--json"));
      const answers: Record<string, (body: string) => Promise<unknown>> = {
        "/api/auth/get-session": async () => ({ session: {}, user: {} }),
        "/api/auth/csrf": async () => ({ csrf_token: "development" }),
        "/api/auth/token": async () => {
          const token = await openagents("token");
          const claims = claimsOf(token);
          return {
            access_token: token,
            token_type: "Bearer",
            expires_in: 600,
            scope: fieldOf(claims, "scopes") || fieldOf(claims, "scope"),
            org: fieldOf(claims, "org"),
          };
        },
        "/api/sync/token": async (body) => ({
          token: await openagents("token", "--ttl", "290", ...streamsOf(body)),
          sync_url: fieldOf(status, "sync_url"),
          expires_at: new Date(Date.now() + 290_000).toISOString(),
        }),
      };
      server.middlewares.use((request, response, next) => {
        const answer = answers[(request.url ?? "").split("?")[0] ?? ""];
        if (answer === undefined) return next();
        let body = "";
        request.on("data", (chunk: Buffer) => (body += chunk.toString()));
        request.on("end", () => {
          void answer(body)
            .catch((error: unknown) => ({ detail: String(error) }))
            .then((value) =>
              response.setHeader("content-type", "application/json").end(JSON.stringify(value)),
            );
        });
      });
    },
  };
}

function fieldOf(value: unknown, name: string): string {
  const field: unknown = Object(value)[name];
  return Array.isArray(field) ? field.join(" ") : typeof field === "string" ? field : "";
}

function claimsOf(token: string): unknown {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
}

function streamsOf(body: string): string[] {
  const { streams }: { streams?: string[] } = body === "" ? {} : JSON.parse(body);
  return (streams ?? []).flatMap((stream) => ["--stream", stream]);
}
