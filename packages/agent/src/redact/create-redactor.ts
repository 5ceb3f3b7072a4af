// Takes secrets out of text: known values in the spellings that tools give them
// without being asked to hide them, and tokens that are known by their shape.
// It cannot know a secret that was cut up, reversed, or encrypted, so what must
// not leak is kept from the agent in the first place; this is the second lock.

export type Redactor = (text: string) => string;

const MARK = "[redacted]";

/** Shorter values would blank out ordinary words. */
const SECRET_CHARS_MIN = 8;

/** A line of a secret of many lines counts as a secret of its own from this length on. */
const LINE_CHARS_MIN = 16;

const SHAPES: readonly RegExp[] = [
  /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|$)/g,
  /\b(?:sk|rk)[-_][A-Za-z0-9_-]{16,}/g,
  /\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}|npm_[A-Za-z0-9]{30,})/g,
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  /\bAIza[A-Za-z0-9_-]{35}/g,
  /\bxox[abeoprs]-[A-Za-z0-9-]{10,}/g,
  // A JSON web token: its header always begins as base64 of `{"`.
  /\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*/g,
  /\bnsec1[02-9ac-hj-np-z]{58}/g,
  // A macaroon of lnd in hex: version 2, then its location `lnd`.
  /\b0201036c6e64[0-9a-f]{40,}/gi,
];

/** Values under 8 characters are left alone. */
export function createRedactor(secrets: readonly string[]): Redactor {
  const values = withLines(secrets.filter((secret) => secret.length >= SECRET_CHARS_MIN));
  const sources = [...new Set(values.flatMap(spellingsOf))].sort((a, b) => b.length - a.length);
  const known = sources.length === 0 ? undefined : new RegExp(sources.join("|"), "g");
  return (text) => {
    let clean = known === undefined ? text : text.replace(known, MARK);
    for (const value of values) clean = withoutCutEnds(clean, value);
    for (const shape of SHAPES) clean = clean.replace(shape, MARK);
    return clean;
  };
}

function withLines(secrets: readonly string[]): string[] {
  const lines = secrets.flatMap((secret) => secret.split(/\r?\n/));
  return [...secrets, ...lines.filter((line) => line.length >= LINE_CHARS_MIN)];
}

/** Sources of regular expressions, one for each way to write the value. */
function spellingsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const plain = [
    secret,
    encodeURIComponent(secret.toWellFormed()),
    encodeURIComponent(secret.toWellFormed()).replaceAll("%20", "+"),
    JSON.stringify(secret).slice(1, -1),
    bytes.toString("hex"),
    bytes.toString("hex").toUpperCase(),
  ];
  const encoded = [0, 1, 2].flatMap((offset) => {
    const base64 = base64Within(bytes, offset);
    return [base64, base64.replaceAll("+", "-").replaceAll("/", "_")];
  });
  return [
    ...plain.map(escaped),
    // Tools wrap base64, and a line may end anywhere inside the secret.
    ...encoded.map((base64) => [...base64].map(escaped).join("(?:\\r?\\n)?")),
  ];
}

/** The characters of base64 that the secret alone decides when `offset` bytes (modulo 3) are before it. */
function base64Within(secret: Buffer, offset: number): string {
  const text = Buffer.concat([Buffer.alloc(offset), secret])
    .toString("base64")
    .replaceAll("=", "");
  const bits = (offset + secret.length) * 8;
  return text.slice(Math.ceil((offset * 8) / 6), Math.floor(bits / 6));
}

/** A text that was cut in the middle of a secret begins with its tail or ends with its head. */
function withoutCutEnds(text: string, secret: string): string {
  let clean = text;
  for (let length = secret.length - 1; length >= SECRET_CHARS_MIN; length -= 1) {
    if (clean.startsWith(secret.slice(-length))) clean = MARK + clean.slice(length);
    if (clean.endsWith(secret.slice(0, length))) clean = clean.slice(0, -length) + MARK;
  }
  return clean;
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
