// What leaves by mail, and what may be in it. A mail is sent once per request:
// a transport that fails says so, and nobody sends it again behind our back.

export type Mail = {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
};

export type Mailer = {
  /** Throws `MailNotSent` unless the next hop has taken it. */
  send(mail: Mail): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

export class MailNotSent extends Error {
  override readonly name = "MailNotSent";
  /** Whether it is certain that nothing left, so that it may be sent again. */
  readonly nothingLeft: boolean;

  constructor(message: string, options: ErrorOptions & { readonly nothingLeft?: boolean } = {}) {
    super(message, options);
    this.nothingLeft = options.nothingLeft ?? false;
  }
}

const SUBJECT_LENGTH_MAX = 200;

/** One address and nothing else: no list, no name, no line of its own. */
const ADDRESS = /^[^\s@<>(),;:"[\]\\\p{Cc}]{1,64}@[A-Za-z0-9.-]{1,253}$/u;

/**
 * A mail that says in its headers what its writer meant, and no more. Throws
 * `MailNotSent` for an address that is more than one; line breaks in a subject,
 * which names of people and organisations may hold, become spaces.
 */
export function checkedMail(mail: Mail): Mail {
  if (!ADDRESS.test(mail.to)) throw new MailNotSent("the recipient is not one plain address");
  const subject = mail.subject
    .replaceAll(/[\p{Cc}\u2028\u2029]+/gu, " ")
    .trim()
    .slice(0, SUBJECT_LENGTH_MAX);
  return { ...mail, subject };
}
