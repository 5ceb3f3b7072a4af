// A person at a browser, as the control service sees one: a cookie jar, an
// origin, and the CSRF token that pages send. It reads its mail at /dev/mail.

import assert from "node:assert/strict";

export type Reply = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The parsed body; tests reach into it by the names of the wire. */
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly json: any;
};

export type Visit = {
  readonly headers?: Readonly<Record<string, string>>;
  /** Undefined: as a page would, by asking for it; empty: none. */
  readonly csrf?: string;
};

export type Person = {
  readonly cookies: Map<string, string>;
  /** What the browser would send now. */
  cookieHeader(): string;
  get(path: string, visit?: Visit): Promise<Reply>;
  post(path: string, body: unknown, visit?: Visit): Promise<Reply>;
  csrf(): Promise<string>;
  /** Ask for a code, read it, sign in with it. */
  signIn(email: string, visit?: Visit): Promise<Reply>;
  mailTo(email: string): Promise<readonly { readonly subject: string; readonly text: string }[]>;
};

export const SESSION_COOKIE = "__Host-openagents_session";

/** A person who is not signed in yet. */
export function newPerson(url: string): Person {
  const cookies = new Map<string, string>();
  const origin = `http://localhost:${new URL(url).port}`;

  const send = async (verb: string, path: string, init: RequestInit, headers: Record<string, string>) => {
    const cookie = person.cookieHeader();
    const sent = { origin, ...(cookie === "" ? {} : { cookie }), ...headers };
    const response = await fetch(url + path, { method: verb, redirect: "manual", ...init, headers: sent });
    for (const line of response.headers.getSetCookie()) keep(cookies, line);
    const text = await response.text();
    const isJson = /json/.test(response.headers.get("content-type") ?? "");
    return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : {} };
  };

  const person: Person = {
    cookies,
    cookieHeader: () => [...cookies].map(([name, value]) => `${name}=${value}`).join("; "),
    get: (path, visit = {}) => send("GET", path, {}, { ...visit.headers }),
    async post(path, body, visit = {}) {
      const csrf = visit.csrf ?? (cookies.has(SESSION_COOKIE) ? await person.csrf() : "");
      return send(
        "POST",
        path,
        { body: JSON.stringify(body) },
        {
          "content-type": "application/json",
          ...(csrf === "" ? {} : { "x-csrf-token": csrf }),
          ...visit.headers,
        },
      );
    },
    async csrf() {
      const { json } = await person.get("/api/auth/csrf");
      return json.csrf_token ?? "";
    },
    async signIn(email, visit = {}) {
      const asked = await person.post(
        "/api/auth/email-otp/send-verification-otp",
        { email, type: "sign-in" },
        visit,
      );
      assert.equal(asked.status, 200, asked.text);
      const [mail] = await person.mailTo(email);
      const otp = codeOf(mail?.text ?? "");
      const answer = await person.post("/api/auth/sign-in/email-otp", { email, otp }, visit);
      assert.equal(answer.status, 200, answer.text);
      return answer;
    },
    async mailTo(email) {
      const { json } = await person.get("/dev/mail", { headers: { accept: "application/json" } });
      return json.mails.filter(({ to }: { to: string }) => to === email.toLowerCase());
    },
  };
  return person;
}

export function codeOf(text: string): string {
  return /code is (\d{6})\./.exec(text)?.[1] ?? "";
}

function keep(cookies: Map<string, string>, line: string): void {
  const [pair = "", ...attributes] = line.split("; ");
  const equals = pair.indexOf("=");
  const [name, value] = [pair.slice(0, equals), pair.slice(equals + 1)];
  if (attributes.includes("Max-Age=0")) cookies.delete(name);
  else cookies.set(name, value);
}
