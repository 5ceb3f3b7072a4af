// The list of challenges in WWW-Authenticate (RFC 9110 §11.6.1): several schemes
// may share one header, and a comma separates both challenges and parameters.

import { L402Error } from "../l402-error.ts";

export type AuthChallenge = {
  /** Lower case. */
  readonly scheme: string;
  readonly token68: string | undefined;
  /** Names in lower case; the first of a name stands. */
  readonly parameters: ReadonlyMap<string, string>;
};

export const CHALLENGE_LENGTH_MAX = 32_768;

const TOKEN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
const TOKEN68 = /[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|$))/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/y;
const BARE = /[^\s,"]+/y;
const SPACE = /[ \t]*/y;
const SEPARATORS = /[ \t,]*/y;
const EQUALS = /[ \t]*=[ \t]*/y;

/** All challenges, in their order. Throws L402Error `header_malformed`; what is no list of challenges is not guessed at. */
export function parseAuthChallenges(header: string): readonly AuthChallenge[] {
  if (header.length > CHALLENGE_LENGTH_MAX)
    throw new L402Error(
      "header_malformed",
      `WWW-Authenticate has more than ${CHALLENGE_LENGTH_MAX} characters`,
    );
  const scanner = new Scanner(header);
  const challenges: AuthChallenge[] = [];
  scanner.take(SEPARATORS);
  while (!scanner.isAtEnd()) {
    challenges.push(challengeAt(scanner));
    scanner.takeSeparators();
  }
  return challenges;
}

function challengeAt(scanner: Scanner): AuthChallenge {
  const scheme = scanner.need(TOKEN, "scheme").toLowerCase();
  scanner.take(SPACE);
  const parameters = new Map<string, string>();
  const token68 = parameterName(scanner) === undefined ? scanner.take(TOKEN68)?.[0] : undefined;
  for (let name = parameterName(scanner); name !== undefined; name = nextParameterName(scanner)) {
    scanner.take(TOKEN);
    scanner.take(EQUALS);
    const value = valueAt(scanner);
    if (!parameters.has(name)) parameters.set(name, value);
  }
  return { scheme, token68, parameters };
}

/** The name of the parameter that begins here, without going past it; undefined: a scheme begins, or nothing. */
function parameterName(scanner: Scanner): string | undefined {
  return scanner.ahead(() => {
    const name = scanner.take(TOKEN)?.[0];
    if (name === undefined || scanner.take(EQUALS) === undefined) return undefined;
    // `abc==` is a token68 with padding.
    return scanner.isAtEnd() || scanner.sees("=") || scanner.sees(",") ? undefined : name.toLowerCase();
  });
}

/** The same behind the separator, which is taken only then. */
function nextParameterName(scanner: Scanner): string | undefined {
  const name = scanner.ahead(() => {
    scanner.takeSeparators();
    return parameterName(scanner);
  });
  if (name !== undefined) scanner.takeSeparators();
  return name;
}

/** Quoted, as it should be, or bare, as servers also write it. */
function valueAt(scanner: Scanner): string {
  const quoted = scanner.take(QUOTED)?.[1];
  return quoted?.replace(/\\(.)/g, "$1") ?? scanner.need(BARE, "value");
}

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  sees(character: string): boolean {
    return this.#text[this.#at] === character;
  }

  take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text) ?? undefined;
    if (found !== undefined) this.#at = pattern.lastIndex;
    return found;
  }

  need(pattern: RegExp, what: string): string {
    const found = this.take(pattern)?.[0];
    if (found === undefined)
      throw new L402Error("header_malformed", `WWW-Authenticate has no ${what} at character ${this.#at + 1}`);
    return found;
  }

  /** Between parameters and between challenges stands a comma; without one only the end may follow. */
  takeSeparators(): void {
    const between = this.take(SEPARATORS)?.[0] ?? "";
    if (!this.isAtEnd() && !between.includes(","))
      throw new L402Error("header_malformed", `WWW-Authenticate has no comma at character ${this.#at + 1}`);
  }

  ahead<T>(look: () => T): T {
    const at = this.#at;
    const seen = look();
    this.#at = at;
    return seen;
  }
}
