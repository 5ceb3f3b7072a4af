// The inbox of development: mail goes nowhere but to a page of this process,
// which is served on loopback only, and to its log. Nothing here sends anything.

import type { Logger } from "@openagents/service";
import { checkedMail, type Mail, type Mailer } from "./mail.ts";

export type InboxMail = Mail & { readonly sentAtMs: number };

export type DevelopmentInbox = Mailer & {
  /** The newest first. */
  list(): readonly InboxMail[];
};

const KEPT_MAX = 100;

export function developmentInbox({
  nowMs,
  log,
}: {
  readonly nowMs: () => number;
  readonly log: Logger;
}): DevelopmentInbox {
  let kept: readonly InboxMail[] = [];
  return {
    async send(mail) {
      const checked = checkedMail(mail);
      kept = [{ ...checked, sentAtMs: nowMs() }, ...kept].slice(0, KEPT_MAX);
      log.info({ mail: checked }, "a mail for the development inbox");
    },
    list: () => kept,
    async [Symbol.asyncDispose]() {},
  };
}

/** The inbox as a page without script. What people wrote is text in it, whatever they wrote. */
export function inboxPage(mails: readonly InboxMail[]): string {
  const items = mails.map(
    ({ to, subject, text, sentAtMs }) =>
      `<article><h2>${escape(subject)}</h2><p>to ${escape(to)}, ${new Date(sentAtMs).toISOString()}</p><pre>${escape(text)}</pre></article>`,
  );
  const body = items.length === 0 ? "<p>Nothing was sent yet.</p>" : items.join("\n");
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Development inbox</title><h1>Development inbox</h1><p>Mail of this development service. None of it leaves this machine.</p>${body}</html>`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? "");
}
