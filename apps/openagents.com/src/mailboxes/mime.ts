// Mail as text: what is kept of a message that came, and the one form of a message that
// leaves. What came is anything; it is parsed, bounded, and never shown as markup.

import PostalMime, { type Address } from "postal-mime";
import MailComposer from "nodemailer/lib/mail-composer";
import { DRAFT_HEADER } from "./mail-account.ts";

export type ReadMail = {
  /** With its angle brackets; undefined where it has none that can be one. */
  readonly messageId: string | undefined;
  /** Of the thread, the oldest first. */
  readonly references: readonly string[];
  readonly sender: string;
  /** Where an answer goes; empty where there is no plain address. */
  readonly replyTo: string;
  readonly recipients: readonly string[];
  readonly subject: string;
  readonly body: string;
};

const BODY_LENGTH_MAX = 20_000;
const SUBJECT_LENGTH_MAX = 300;
const RECIPIENTS_MAX = 50;
const REFERENCES_MAX = 20;

/** One address and nothing else: no list, no name, no line of its own. */
const ADDRESS = /^[^\s@<>(),;:"[\]\\\p{Cc}]{1,64}@[A-Za-z0-9.-]{1,189}$/u;

/** RFC 5322's, of visible ASCII: it becomes a header of a reply. */
const MESSAGE_ID = /^<[!-;=?-~]{1,250}>$/;

export function isPlainAddress(text: string): boolean {
  return ADDRESS.test(text);
}

/** Never throws for what a message says. */
export async function readMail(raw: Uint8Array | string): Promise<ReadMail> {
  const mail = await PostalMime.parse(raw, { maxNestingDepth: 20, maxHeadersSize: 262_144 }).catch(
    () => undefined,
  );
  if (mail === undefined) return UNREADABLE;
  const sender = addressOf(mail.from);
  const replyTo = addressOf(mail.replyTo?.[0]) || sender;
  const references = `${mail.references ?? ""} ${mail.inReplyTo ?? ""}`.split(/\s+/).filter(isMessageId);
  const recipients = [...(mail.to ?? []), ...(mail.cc ?? [])].map(addressOf).filter((each) => each !== "");
  return {
    messageId: isMessageId(mail.messageId) ? mail.messageId : undefined,
    // The first is the thread's beginning, and says which one it is.
    references: [...new Set([...references.slice(0, 1), ...references.slice(1 - REFERENCES_MAX)])],
    sender,
    replyTo: isPlainAddress(replyTo) ? replyTo : "",
    recipients: recipients.slice(0, RECIPIENTS_MAX),
    subject: lineOf(mail.subject ?? "", SUBJECT_LENGTH_MAX),
    body: cut((mail.text ?? textOf(mail.html ?? "")).trim(), BODY_LENGTH_MAX),
  };
}

const UNREADABLE: ReadMail = {
  messageId: undefined,
  references: [],
  sender: "",
  replyTo: "",
  recipients: [],
  subject: "",
  body: "This message could not be read. Open it in your mail program.",
};

/** The bytes of a mail that leaves; the same for the same draft. */
export function composeMail(mail: {
  readonly draftId: string;
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly body: string;
  readonly messageId: string;
  readonly inReplyTo: string | undefined;
  readonly references: string;
  readonly dateMs: number;
}): Promise<Buffer> {
  const plain = (address: string) => ({ name: "", address });
  const composer = new MailComposer({
    from: plain(mail.from),
    to: mail.to.map(plain),
    subject: mail.subject,
    text: mail.body,
    messageId: mail.messageId,
    ...(mail.inReplyTo === undefined ? {} : { inReplyTo: mail.inReplyTo }),
    ...(mail.references === "" ? {} : { references: mail.references }),
    date: new Date(mail.dateMs),
    headers: { [DRAFT_HEADER]: mail.draftId },
    // Text is text: no reading of files or addresses that it names.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return composer.compile().build();
}

function isMessageId(text: string | undefined): text is string {
  return text !== undefined && MESSAGE_ID.test(text);
}

function addressOf(address: Address | undefined): string {
  const text = address?.address ?? address?.group?.[0]?.address ?? "";
  return lineOf(text, 254);
}

function lineOf(text: string, lengthMax: number): string {
  return cut(text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, " ").trim(), lengthMax);
}

/** PostgreSQL keeps neither NUL nor half a character, which a cut may leave. */
function cut(text: string, lengthMax: number): string {
  return text.slice(0, lengthMax).replaceAll("\0", "").toWellFormed();
}

/** The words of a page, for a mail that comes without text. They are shown as text, so what is left of tags does no harm. */
function textOf(html: string): string {
  return html
    .slice(0, 500_000)
    .replaceAll(/<(script|style|head)\b[^>]*>[\s\S]*?<\/\1\s*>/gi, "")
    .replaceAll(/<(br|\/p|\/div|\/tr|\/li|\/h[1-6])\b[^>]*>/gi, "\n")
    .replaceAll(/<[^>]*>/g, "")
    .replaceAll(/&(nbsp|amp|lt|gt|quot|#39);/g, (_all, name: string) => ENTITIES[name] ?? "")
    .replaceAll(/[ \t]+/g, " ")
    .replaceAll(/\n\s*\n\s*/g, "\n\n");
}

const ENTITIES: Readonly<Record<string, string>> = {
  nbsp: " ",
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  "#39": "'",
};
