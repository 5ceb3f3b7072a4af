// Google as an authorisation server (RFC 6749, with PKCE by RFC 7636), and its API of
// mail by the access tokens that it gives. Access tokens stay in memory; what is stored
// is the refresh token, sealed.

import { hash } from "node:crypto";
import type { JsonObject } from "@openagents/contracts";
import { OutboundError, type Outbound } from "@openagents/service";
import type { GoogleSettings } from "../config.ts";
import { MailboxError } from "./mail-account.ts";

export type Google = {
  authorizeUrl(request: { readonly state: string; readonly verifier: string }): string;
  /** The code for tokens. Throws `MailboxError`: `login_refused` where Google says no. */
  exchange(code: string, verifier: string, signal: AbortSignal): Promise<Exchanged>;
  /** Ask the API of mail. An access token that is not taken is replaced once. Throws `MailboxError`, and `OutboundError` where a POST may have been done. */
  call(refreshToken: string, request: GoogleRequest, signal: AbortSignal): Promise<GoogleAnswer>;
};

export type Exchanged = { readonly refreshToken: string; readonly mayReadAndSend: boolean };

export type GoogleRequest = { readonly path: string; readonly body?: JsonObject };

export type GoogleAnswer = { readonly status: number; readonly json: JsonObject };

const AUTHORIZE_URL = "https://accounts.google.com/o/oauth2/v2/auth";
const TOKEN_URL = "https://oauth2.googleapis.com/token";
const API_URL = "https://gmail.googleapis.com";

/** To read, and to send; not to change or to delete. */
const SCOPES = [
  "https://www.googleapis.com/auth/gmail.readonly",
  "https://www.googleapis.com/auth/gmail.send",
] as const;

/** Replaced so long before it ends, that it does not end under way. */
const RENEW_BEFORE_MS = 60_000;

const TOKENS_MAX = 1_000;

type AccessToken = { readonly text: string; readonly goodUntilMs: number };

export function createGoogle({
  settings,
  redirectUri,
  outbound,
  nowMs,
}: {
  readonly settings: GoogleSettings;
  /** The one address that Google sends people back to. */
  readonly redirectUri: () => string;
  readonly outbound: Outbound;
  readonly nowMs: () => number;
}): Google {
  const tokens = new Map<string, Promise<AccessToken>>();

  const askToken = async (form: Readonly<Record<string, string>>, signal: AbortSignal) => {
    const body = new URLSearchParams({
      ...form,
      client_id: settings.clientId,
      client_secret: settings.clientSecret,
    });
    const { status, json } = await post(settings.tokenUrl ?? TOKEN_URL, body.toString(), signal);
    if (status === 200) return json;
    // What it says of why is for whoever runs this; a 4xx lasts, whatever it is.
    const isRefusal = status >= 400 && status < 500 && status !== 429;
    throw new MailboxError(isRefusal ? "login_refused" : "unreachable", `Google answered ${status}.`);
  };

  const post = async (url: string, body: string, signal: AbortSignal): Promise<GoogleAnswer> => {
    const headers = { "content-type": "application/x-www-form-urlencoded", accept: "application/json" };
    const answer = await outbound.send({ method: "POST", url, headers, body, signal }).catch(unreachable);
    return { status: answer.status, json: objectOf(answer.body) };
  };

  const renew = async (refreshToken: string, signal: AbortSignal): Promise<AccessToken> => {
    const json = await askToken({ grant_type: "refresh_token", refresh_token: refreshToken }, signal);
    const { access_token: text, expires_in: lifeS } = json;
    if (typeof text !== "string" || typeof lifeS !== "number")
      throw new MailboxError("unreachable", "Google's answer holds no token.");
    return { text, goodUntilMs: nowMs() + lifeS * 1000 - RENEW_BEFORE_MS };
  };

  /** One refresh for all who need it at once; one that failed is not remembered. */
  const accessToken = async (refreshToken: string, signal: AbortSignal): Promise<AccessToken> => {
    const key = hash("sha256", refreshToken);
    const known = tokens.get(key);
    if (known !== undefined) {
      const token = await known.catch(() => undefined);
      if (token !== undefined && token.goodUntilMs > nowMs()) return token;
      if (tokens.get(key) === known) tokens.delete(key);
      return accessToken(refreshToken, signal);
    }
    const [oldest] = tokens.keys();
    if (tokens.size >= TOKENS_MAX && oldest !== undefined) tokens.delete(oldest);
    const renewed = renew(refreshToken, signal);
    tokens.set(key, renewed);
    renewed.catch(() => tokens.delete(key));
    return renewed;
  };

  const callOnce = async (token: AccessToken, { path, body }: GoogleRequest, signal: AbortSignal) => {
    const answer = await outbound.send({
      method: body === undefined ? "GET" : "POST",
      url: (settings.apiUrl ?? API_URL) + path,
      headers: {
        authorization: `Bearer ${token.text}`,
        accept: "application/json",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal,
    });
    return { status: answer.status, json: objectOf(answer.body) };
  };

  return {
    authorizeUrl({ state, verifier }) {
      const url = new URL(settings.authorizeUrl ?? AUTHORIZE_URL);
      url.search = new URLSearchParams({
        client_id: settings.clientId,
        redirect_uri: redirectUri(),
        response_type: "code",
        scope: SCOPES.join(" "),
        access_type: "offline",
        // So that Google gives a refresh token also to who was here before.
        prompt: "consent",
        state,
        code_challenge: hash("sha256", verifier, "base64url"),
        code_challenge_method: "S256",
      }).toString();
      return url.toString();
    },

    async exchange(code, verifier, signal) {
      const form = {
        grant_type: "authorization_code",
        code,
        code_verifier: verifier,
        redirect_uri: redirectUri(),
      };
      const { refresh_token: refreshToken, scope } = await askToken(form, signal);
      if (typeof refreshToken !== "string" || refreshToken === "")
        throw new MailboxError("login_refused", "Google gave no refresh token.");
      const granted = typeof scope === "string" ? scope.split(" ") : [];
      return { refreshToken, mayReadAndSend: SCOPES.every((each) => granted.includes(each)) };
    },

    async call(refreshToken, request, signal) {
      const token = await accessToken(refreshToken, signal);
      const answer = await callOnce(token, request, signal);
      if (answer.status !== 401) return answer;
      // It was taken back before its time: nothing was done with it.
      const key = hash("sha256", refreshToken);
      if ((await tokens.get(key)?.catch(() => undefined)) === token) tokens.delete(key);
      return callOnce(await accessToken(refreshToken, signal), request, signal);
    },
  };
}

export function unreachable(error: unknown): never {
  if (!(error instanceof OutboundError)) throw error;
  throw new MailboxError("unreachable", error.message, error);
}

function objectOf(body: string): JsonObject {
  try {
    const parsed = JSON.parse(body);
    return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed) ? parsed : {};
  } catch {
    return {};
  }
}
