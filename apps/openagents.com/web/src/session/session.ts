// Who is signed in in this tab. The browser's cookie is exchanged for an access
// token that lives in memory only, and is renewed before it ends; nothing that
// gives access is ever stored by the page.

import { ProblemError } from "@openagents/contracts";
import { reach } from "../live/reach.ts";
import { claimsOf } from "./claims.ts";

export type SignedIn = {
  readonly kind: "signed_in";
  readonly userId: string;
  readonly org: string;
  readonly scopes: ReadonlySet<string>;
};

/** `ended`: the session was there, and is no more, without the person having left here. */
export type SignedOut = { readonly kind: "signed_out"; readonly ended: boolean };

export type SessionState = { readonly kind: "asking" } | SignedOut | SignedIn;

type Held = { readonly token: string; readonly renewAtMs: number; readonly endsAtMs: number };

/** Renewed so long before it ends, so that no request leaves with a token that ends on the way. */
const RENEW_LEAD_MS = 60_000;

export type Session = {
  readonly state: SessionState;
  readonly subscribe: (listener: () => void) => () => void;
  /** Ask once whether the browser is signed in. */
  restore(): Promise<SessionState>;
  /** After a sign-in, or a change of organisation: the next token is a new one. */
  renew(): Promise<SessionState>;
  /** An access token for a request. Rejects with 401 `signed_out`. */
  token(): Promise<string>;
  /** For commands that the cookie authenticates: of `/api/auth/*` alone. */
  csrfToken(): Promise<string>;
  signOut(): Promise<void>;
  /** The person has left by another command: nothing of the session is held any more. */
  forget(): void;
  /** Ask whether the session is still there: it may be ended from elsewhere. Being offline ends nothing. */
  confirm(): Promise<void>;
};

export function createSession(request: typeof fetch = reachable): Session {
  let state: SessionState = { kind: "asking" };
  let held: Held | undefined;
  let asking: Promise<SessionState> | undefined;
  const listeners = new Set<() => void>();

  const become = (next: SessionState): SessionState => {
    state = next;
    for (const listener of listeners) listener();
    return next;
  };

  async function askCsrfToken(): Promise<string> {
    const answer = await request("/api/auth/csrf", { headers: { accept: "application/json" } });
    const token: unknown = answer.ok ? Object(await answer.json()).csrf_token : undefined;
    return typeof token === "string" ? token : "";
  }

  async function exchange(): Promise<SessionState> {
    // Answers 200 for nobody, too: being signed out is no error.
    const known = await request("/api/auth/get-session");
    if (!(await isSomebody(known))) return leave();
    const answer = await request("/api/auth/token", {
      method: "POST",
      headers: { "content-type": "application/json", "x-csrf-token": await askCsrfToken() },
      body: JSON.stringify({ grant_type: "session" }),
    });
    if (answer.status === 401 || answer.status === 403) return leave();
    if (!answer.ok) throw unavailable(answer.status);
    const body = Object(await answer.json());
    if (typeof body.access_token !== "string") throw unavailable(answer.status);
    const { access_token: token, expires_in: seconds } = body;
    const endsAtMs = Date.now() + (typeof seconds === "number" ? seconds : 60) * 1000;
    held = { token, endsAtMs, renewAtMs: endsAtMs - RENEW_LEAD_MS };
    const claims = claimsOf(token);
    return become({ kind: "signed_in", ...claims });
  }

  function leave(byPerson = false): SessionState {
    const ended = !byPerson && (state.kind === "signed_in" || (state.kind === "signed_out" && state.ended));
    held = undefined;
    return become({ kind: "signed_out", ended });
  }

  /** One exchange at a time, however many wait for it. */
  function ask(): Promise<SessionState> {
    asking ??= exchange().finally(() => {
      asking = undefined;
    });
    return asking;
  }

  return {
    get state() {
      return state;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async restore() {
      return state.kind === "asking" ? ask() : state;
    },
    renew() {
      held = undefined;
      return ask();
    },
    // There is none without a session, and nothing that it would protect.
    csrfToken: async () => (state.kind === "signed_out" ? "" : askCsrfToken()),
    async token() {
      const nowMs = Date.now();
      if (held !== undefined && nowMs < held.renewAtMs) return held.token;
      // While the old one lives, a failed renewal is not yet a failure.
      const renewed = ask().catch((error: unknown) => {
        if (held === undefined || Date.now() >= held.endsAtMs) throw error;
      });
      await renewed;
      if (held !== undefined) return held.token;
      throw new ProblemError({ status: 401, code: "signed_out", detail: "Sign in to go on." });
    },
    async signOut() {
      await request("/api/auth/sign-out", {
        method: "POST",
        headers: { "content-type": "application/json", "x-csrf-token": await askCsrfToken() },
        body: "{}",
      });
      leave(true);
    },
    forget: () => void leave(true),
    async confirm() {
      if (state.kind !== "signed_in") return;
      const known = await request("/api/auth/get-session").catch(() => undefined);
      if (known?.ok === true && !(await isSomebody(known))) leave();
    },
  };
}

async function isSomebody(answer: Response): Promise<boolean> {
  return answer.ok && Object(await answer.json().catch(() => undefined)).user !== undefined;
}

const reachable: typeof fetch = async (...args) => {
  try {
    const answer = await fetch(...args);
    reach.seen(Date.now());
    return answer;
  } catch (cause) {
    reach.lost();
    const detail = "The control service gave no answer. Check the connection, and load the page again.";
    throw new ProblemError({ status: 503, code: "unreachable", detail, cause });
  }
};

function unavailable(status: number): ProblemError {
  return new ProblemError({
    status: status >= 500 ? status : 503,
    code: "sign_in_unavailable",
    detail: "The control service gave no access token. Try again shortly.",
  });
}

export const session = createSession();
