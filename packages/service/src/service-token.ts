// A service's own access to the others: its key, exchanged at control for tokens
// that live ten minutes.

import { ProblemError } from "@openagents/contracts";

export type ServiceTokenOptions = {
  readonly controlUrl: string;
  /** A secret: kept, and sent to control alone. */
  readonly apiKey: string;
  readonly nowMs: () => number;
};

const ANSWER_MS_MAX = 10_000;

/** A token is renewed a minute before it ends. */
const RENEW_MS = 60_000;

/** A source of fresh tokens for clients. Rejects with `ProblemError` 503 while control gives none. */
export function serviceToken(options: ServiceTokenOptions): () => Promise<string> {
  const { controlUrl, apiKey, nowMs } = options;
  let held: { readonly token: Promise<Granted>; readonly askedAtMs: number } | undefined;

  async function ask(): Promise<Granted> {
    const response = await fetch(`${controlUrl}/api/auth/token`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ grant_type: "api_key", api_key: apiKey }),
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    }).catch((cause: unknown) => {
      throw noToken("Control does not answer.", cause);
    });
    const body: unknown = await response.json().catch(() => undefined);
    if (!response.ok || !isGrant(body))
      throw noToken(`Control answered ${response.status} to this service's key.`);
    return { text: body.access_token, lifeMs: body.expires_in * 1000 };
  }

  return async () => {
    const { text, lifeMs } = await (held?.token ?? renew());
    if (held === undefined || nowMs() < held.askedAtMs + lifeMs - RENEW_MS) return text;
    return (await renew()).text;
  };

  function renew(): Promise<Granted> {
    const token = ask();
    const asked = { token, askedAtMs: nowMs() };
    held = asked;
    // Whoever asks next tries again.
    token.catch(() => {
      if (held === asked) held = undefined;
    });
    return token;
  }
}

type Granted = { readonly text: string; readonly lifeMs: number };

function isGrant(body: unknown): body is { readonly access_token: string; readonly expires_in: number } {
  return (
    typeof body === "object" &&
    body !== null &&
    "access_token" in body &&
    typeof body.access_token === "string" &&
    "expires_in" in body &&
    typeof body.expires_in === "number"
  );
}

function noToken(detail: string, cause?: unknown): ProblemError {
  return new ProblemError({
    status: 503,
    code: "service_token_unavailable",
    detail,
    retryAfterMs: 1_000,
    cause,
  });
}
