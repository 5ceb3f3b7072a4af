// Which values of an environment are secret. Judged by the variable's name, and
// for addresses by the password inside, so that a token under an innocent name
// is left to the redactor's patterns.

/** Shorter values would blank out ordinary words. */
const SECRET_CHARS_MIN = 8;

const NAMES_SECRET =
  /(^|_)(KEY|KEYS|APIKEY|TOKEN|TOKENS|SECRET|SECRETS|PASS|PASSWD|PASSWORD|PASSPHRASE|PAT|CREDENTIAL|CREDENTIALS|AUTH|COOKIE|SEED|MNEMONIC|MACAROON|PRIVATE|NSEC|DSN|CANARY)(_|$)|APIKEY|TOKEN$|SECRET$|PASSWORD$|PASSWD$/i;

/** Names that look secret and name a place or a switch. */
const NAMES_PLAIN = /(_|^)(FILE|PATH|DIR|SOCK|SOCKET)$/i;

/** Values by the look of their names, each once, longest first. */
export function secretsOf(env: Readonly<Record<string, string | undefined>>): string[] {
  const secrets = new Set<string>();
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) continue;
    if (NAMES_SECRET.test(name) && !NAMES_PLAIN.test(name)) secrets.add(value.trim());
    const password = /^[a-z][a-z0-9+.-]*:\/\/[^/\s:@]*:([^/\s@]+)@/i.exec(value)?.[1];
    if (password !== undefined) secrets.add(password);
  }
  return [...secrets]
    .filter((secret) => secret.length >= SECRET_CHARS_MIN)
    .sort((a, b) => b.length - a.length);
}
