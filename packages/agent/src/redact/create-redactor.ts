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
  // The longest first, so that a secret inside another one does not leave the rest of it standing.
  const values = withLines(secrets.filter((secret) => secret.length >= SECRET_CHARS_MIN)).sort(
    (a, b) => b.length - a.length,
  );
  const sources = values.flatMap(sourcesOf);
  const known = sources.length === 0 ? undefined : new RegExp(sources.join("|"), "g");
  const encoded = [...new Set(values.flatMap(base64Of))];
  return (text) => {
    let clean = known === undefined ? text : text.replace(known, MARK);
    clean = withoutWrapped(clean, encoded);
    for (const value of values) clean = withoutCutEnds(clean, value);
    for (const shape of SHAPES) clean = clean.replace(shape, MARK);
    return clean;
  };
}

function withLines(secrets: readonly string[]): string[] {
  const lines = secrets.flatMap((secret) => secret.split(/\r?\n/));
  return [...secrets, ...lines.filter((line) => line.length >= LINE_CHARS_MIN)];
}

/** Sources of regular expressions: the value as it is or escaped, and in hex. */
function sourcesOf(secret: string): string[] {
  const hex = Buffer.from(secret).toString("hex");
  return [Array.from(secret, characterSource).join(""), hex, hex.toUpperCase()];
}

/** A character as it is, and as addresses, forms and JSON write it. */
function characterSource(character: string): string {
  const percent = [...Buffer.from(character)]
    .map((byte) => `%${byte.toString(16).padStart(2, "0")}`)
    .join("")
    .replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
  const ways = [escaped(character), percent, escaped(JSON.stringify(character).slice(1, -1))];
  if (character === " ") ways.push("\\+");
  return `(?:${[...new Set(ways)].join("|")})`;
}

/** What the secret alone decides of base64 that holds it, in both alphabets. */
function base64Of(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [0, 1, 2].flatMap((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64");
    const sure = text.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6));
    return [sure, sure.replaceAll("+", "-").replaceAll("/", "_")];
  });
}

/** Tools wrap base64, and a line may end anywhere inside the secret. */
function withoutWrapped(text: string, encoded: readonly string[]): string {
  const joined = text.replace(/[\r\n]/g, "");
  const places = encoded.flatMap((part) => placesOf(joined, part)).sort((a, b) => a.from - b.from);
  if (places.length === 0) return text;
  // Where each character of the joined text is in the text itself.
  const origin: number[] = [];
  for (let at = 0; at < text.length; at += 1) if (text[at] !== "\r" && text[at] !== "\n") origin.push(at);
  let clean = "";
  let keptTo = 0;
  for (const { from, to } of places) {
    const begin = origin[from] ?? text.length;
    const end = (origin[to - 1] ?? text.length) + 1;
    // Places overlap where one secret is a part of another.
    if (begin >= keptTo) clean += text.slice(keptTo, begin) + MARK;
    keptTo = Math.max(keptTo, end);
  }
  return clean + text.slice(keptTo);
}

type Place = { readonly from: number; readonly to: number };

function placesOf(text: string, part: string): Place[] {
  const places: Place[] = [];
  for (let from = text.indexOf(part); from !== -1; from = text.indexOf(part, from + part.length))
    places.push({ from, to: from + part.length });
  return places;
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
