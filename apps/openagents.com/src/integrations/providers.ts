// How each provider is asked whom it takes us for. A read that changes nothing there.

import type { IntegrationCheckStatus, IntegrationProvider, JsonValue } from "@openagents/contracts";
import { OutboundError, type Outbound } from "@openagents/service";

/** Where a provider's API is, unless it is said; undefined where everyone has their own. */
export const DEFAULT_BASE_URL: Readonly<Record<IntegrationProvider, string | undefined>> = {
  github: "https://api.github.com",
  forgejo: undefined,
  resend: "https://api.resend.com",
};

export type Check = {
  readonly status: Exclude<IntegrationCheckStatus, "unchecked">;
  readonly account?: string;
  readonly detail: string;
};

type Question = { readonly path: string; readonly headers: Readonly<Record<string, string>> };

const QUESTIONS: Readonly<Record<IntegrationProvider, (secret: string) => Question>> = {
  github: (secret) => ({
    path: "/user",
    headers: { authorization: `Bearer ${secret}`, accept: "application/vnd.github+json" },
  }),
  forgejo: (secret) => ({
    path: "/api/v1/user",
    headers: { authorization: `token ${secret}`, accept: "application/json" },
  }),
  resend: (secret) => ({
    path: "/domains",
    headers: { authorization: `Bearer ${secret}`, accept: "application/json" },
  }),
};

/** Ask the provider. Never throws for what it says, or for its not being there; what it said is not passed on whole. */
export async function checkSecret(
  outbound: Outbound,
  provider: IntegrationProvider,
  baseUrl: string,
  secret: string,
  signal: AbortSignal,
): Promise<Check> {
  const { path, headers } = QUESTIONS[provider](secret);
  try {
    const url = baseUrl + path;
    const answer = await outbound.send({
      method: "GET",
      url,
      headers: { ...headers, "user-agent": "openagents" },
      signal,
    });
    if (answer.status === 401 || answer.status === 403)
      return { status: "refused", detail: `${provider} does not take the secret (${answer.status}).` };
    if (answer.status !== 200)
      return { status: "unreachable", detail: `${provider} answered ${answer.status}.` };
    const account = accountIn(answer.body);
    return {
      status: "works",
      detail: `${provider} takes the secret.`,
      ...(account === undefined ? {} : { account }),
    };
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error;
    return { status: "unreachable", detail: error.message };
  }
}

function accountIn(body: string): string | undefined {
  const parsed = parseJson(body);
  if (typeof parsed !== "object" || parsed === null || !("login" in parsed)) return undefined;
  return typeof parsed.login === "string" ? parsed.login.slice(0, 200) : undefined;
}

function parseJson(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
