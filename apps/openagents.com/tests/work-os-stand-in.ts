// A stand-in for WorkOS, for tests: the authorize page that signs in whoever the
// test says, and the exchange of a code for that person. It refuses what WorkOS
// refuses: another client or key, a code that was used, a verifier that does not fit.

import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import type { TestContext } from "node:test";

export type StandInPerson = {
  readonly id: string;
  readonly email: string;
  readonly verified?: boolean;
  /** Whether support has signed in in the person's name. */
  readonly impersonated?: boolean;
};

export type WorkOsStandIn = {
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly clientId: string;
  /** Who is at the browser; nobody can be signed in while it is undefined. */
  person: StandInPerson | undefined;
  /** Answer 500 to everything. */
  broken: boolean;
};

type Grant = { readonly person: StandInPerson; readonly challenge: string };

export async function startWorkOsStandIn(t: TestContext): Promise<WorkOsStandIn> {
  const grants = new Map<string, Grant>();
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? "/", "http://stand-in");
    const answer = (status: number, body: object) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (standIn.broken) return answer(500, { message: "the stand-in is broken" });
    if (url.pathname === "/user_management/authorize") {
      const query = url.searchParams;
      const fits =
        query.get("client_id") === standIn.clientId && query.get("code_challenge_method") === "S256";
      if (!fits || standIn.person === undefined) return answer(400, { error: "invalid_request" });
      const code = randomUUID();
      grants.set(code, { person: standIn.person, challenge: query.get("code_challenge") ?? "" });
      const back = new URL(query.get("redirect_uri") ?? "");
      back.search = new URLSearchParams({ code, state: query.get("state") ?? "" }).toString();
      return response.writeHead(302, { location: back.href }).end();
    }
    if (url.pathname === "/user_management/authenticate") {
      const body = Object(await json(request));
      const grant = grants.get(body.code);
      grants.delete(body.code);
      if (body.client_id !== standIn.clientId || body.client_secret !== standIn.apiKey)
        return answer(401, { error: "invalid_client" });
      const challenge = createHash("sha256").update(`${body.code_verifier}`).digest("base64url");
      if (grant === undefined || challenge !== grant.challenge)
        return answer(400, { error: "invalid_grant" });
      return answer(200, authenticated(grant.person));
    }
    return answer(404, { message: "the stand-in has no such route" });
  };
  const server = createServer((request, response) => void serve(request, response));

  const standIn: WorkOsStandIn = {
    baseUrl: "",
    apiKey: "sk_stand_in",
    clientId: "client_stand_in",
    person: undefined,
    broken: false,
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return Object.assign(standIn, { baseUrl: `http://127.0.0.1:${port}` });
}

function authenticated({ id, email, verified = true, impersonated = false }: StandInPerson): object {
  const at = "2026-11-01T00:00:00.000Z";
  return {
    user: {
      object: "user",
      id,
      email,
      email_verified: verified,
      first_name: "Ada",
      last_name: "Lovelace",
      profile_picture_url: null,
      last_sign_in_at: at,
      created_at: at,
      updated_at: at,
    },
    access_token: "stand-in-access",
    refresh_token: "stand-in-refresh",
    ...(impersonated ? { impersonator: { email: "support@example.com", reason: "a test" } } : {}),
  };
}
