// A link that signs the owner of a running stack in to its console, once.

import { dataDirAt, loadKeys, mintToken, type StackRecord } from "@openagents/stack";
import { CliError } from "../cli-error.ts";
import type { Context } from "../context.ts";

export type LocalLink = { readonly url: string; readonly expiresAt: string };

const WAIT_MS_MAX = 10_000;

export async function requestLocalLink(context: Context, record: StackRecord): Promise<LocalLink> {
  const keys = loadKeys(dataDirAt(record.dataDir));
  // For this one request: the least that the stack's key can sign.
  const token = await mintToken(keys, { scopes: [], ttlSeconds: 60 }, context.nowMs());
  const response = await fetch(`${record.controlUrl}/api/auth/local-link`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(WAIT_MS_MAX),
  }).catch((cause: unknown) => {
    throw noLink("the control service does not answer", cause);
  });
  const body: unknown = await response.json().catch(() => undefined);
  if (!response.ok || !isLink(body)) throw noLink(`the control service answered ${response.status}`);
  return { url: body.url, expiresAt: body.expires_at };
}

function isLink(body: unknown): body is { readonly url: string; readonly expires_at: string } {
  return (
    typeof body === "object" &&
    body !== null &&
    "url" in body &&
    typeof body.url === "string" &&
    "expires_at" in body &&
    typeof body.expires_at === "string"
  );
}

function noLink(problem: string, cause?: unknown): CliError {
  return new CliError("no_sign_in_link", `there is no link: ${problem}`, {
    nextStep: "see `openagents status`",
    cause,
  });
}
