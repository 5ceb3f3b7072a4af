// What the sync server answers over plain HTTP: identity, schema, reducers.

import { ProblemError } from "@openagents/contracts";
import type { ServiceApp } from "@openagents/service";
import { MODULE_NAME, moduleSchemaJson } from "../protocol/index.ts";
import { SCOPES, type Claims } from "./claims.ts";
import type { StreamLag } from "./feeds.ts";
import { ReducerRefusal } from "./reducer-refusal.ts";
import { callReducer, jsonArgs, type ReducersDeps } from "./reducers.ts";

export type HttpDeps = {
  readonly reducers: ReducersDeps;
  /** Throws `ProblemError` 401 for what is no valid token. */
  readonly authenticate: (authorization: string | undefined) => Promise<Claims>;
  /** What is followed at this moment. */
  readonly observe: () => { readonly sessions: number; readonly streams: readonly StreamLag[] };
};

const SCHEMA_VERSION = "9";

export function mountHttp(app: ServiceApp["app"], deps: HttpDeps): void {
  app.get("/v1/ping", async () => "");

  // A sync token is as short-lived as what SpacetimeDB would give for it, so it is its own.
  app.post("/v1/identity/websocket-token", async (request) => {
    const { token } = await deps.authenticate(request.headers.authorization);
    return { token };
  });

  app.post("/v1/identity", async (request) => {
    const { token, identityHex } = await deps.authenticate(request.headers.authorization);
    return { identity: identityHex, token };
  });

  // For operators: names of streams are for nobody else.
  app.get("/v1/streams", async (request) => {
    const { scopes } = await deps.authenticate(request.headers.authorization);
    if (!scopes.has(SCOPES.observe)) {
      throw new ProblemError({
        status: 403,
        code: "missing_scope",
        reason: SCOPES.observe,
        detail: `This needs a sync token with the scope ${SCOPES.observe}.`,
      });
    }
    const { sessions, streams } = deps.observe();
    return {
      sessions,
      streams: streams.map(({ streamId, followers, headSeq, lag }) => ({
        stream_id: streamId,
        followers,
        head_seq: Number(headSeq),
        lag_events: Number(lag),
      })),
    };
  });

  app.get<{ Params: { name: string }; Querystring: { version?: string } }>(
    "/v1/database/:name/schema",
    async (request) => {
      requireModule(request.params.name);
      const { version } = request.query;
      if (version === SCHEMA_VERSION) return moduleSchemaJson();
      throw new ProblemError({
        status: 400,
        code: "schema_version_unsupported",
        detail: `Ask for the schema with ?version=${SCHEMA_VERSION}.`,
      });
    },
  );

  app.post<{ Params: { name: string; reducer: string } }>(
    "/v1/database/:name/call/:reducer",
    async (request, reply) => {
      requireModule(request.params.name);
      const claims = await deps.authenticate(request.headers.authorization);
      try {
        await callReducer(deps.reducers, claims, request.params.reducer, jsonArgs(request.body));
      } catch (error) {
        if (!(error instanceof ReducerRefusal)) throw error;
        throw new ProblemError({ status: 403, code: "reducer_refused", detail: error.message, cause: error });
      }
      return reply.code(200).send();
    },
  );
}

export function requireModule(name: string): void {
  if (name === MODULE_NAME) return;
  throw new ProblemError({
    status: 404,
    code: "database_not_found",
    detail: `There is no such database here; this server has ${MODULE_NAME}.`,
  });
}
