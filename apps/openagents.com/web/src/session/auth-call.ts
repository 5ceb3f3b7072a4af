// Calls of `/api/auth/*`: the only routes that the browser's cookie
// authenticates, and so the only ones that need a CSRF token.

import { ProblemError } from "@openagents/contracts";
import { session } from "./session.ts";

export async function authCall(path: string, body?: object, method = "POST"): Promise<unknown> {
  const headers: Record<string, string> = { accept: "application/json" };
  if (method !== "GET") {
    headers["content-type"] = "application/json";
    headers["x-csrf-token"] = await session.csrfToken();
  }
  const answer = await fetch(`/api/auth${path}`, {
    method,
    headers,
    ...(method === "GET" ? {} : { body: JSON.stringify(body ?? {}) }),
  }).catch((cause: unknown) => {
    throw new ProblemError({
      status: 503,
      code: "unreachable",
      detail: "The control service gave no answer. Try again.",
      cause,
    });
  });
  const value: unknown = await answer.json().catch(() => undefined);
  if (answer.ok) return value;
  const told = Object(value);
  throw new ProblemError({
    status: answer.status,
    code: String(told.code ?? `http_${answer.status}`),
    detail: String(told.detail ?? told.message ?? `The service answered ${answer.status}.`),
    retryAfterMs: typeof told.retry_after_ms === "number" ? told.retry_after_ms : undefined,
  });
}
