// Whether a draft may be changed or decided, and what one says in the end. Pure.

import { invalidField } from "@openagents/service";
import { isPlainAddress } from "../mailboxes/index.ts";
import type { Draft } from "./draft.ts";

/** In order of precedence. */
export type DraftRefusal = "draft_decided" | "draft_changed";

/** @param version the one that was read; undefined where whoever decides was shown what is bound to one */
export function refuseChange(
  draft: Pick<Draft, "status" | "version">,
  version: number | undefined,
): DraftRefusal | undefined {
  if (draft.status !== "waiting") return "draft_decided";
  return version !== undefined && draft.version !== version ? "draft_changed" : undefined;
}

export type Words = { readonly to: readonly string[]; readonly subject: string; readonly body: string };

/** Parses, never repairs: what would become a header of its own is refused. Throws 400 for the first field that is wrong. */
export function checkWords(words: Words): Words {
  if (words.to.length === 0)
    throw invalidField("to", "required", "Say who it goes to: the thread names nobody to answer.");
  for (const address of words.to)
    if (!isPlainAddress(address))
      throw invalidField("to", "wrong_format", "Each must be one plain address, such as ann@example.org.");
  if (words.subject === "") throw invalidField("subject", "required", "Give it a subject.");
  if (/[\p{Cc}\p{Cs}\u2028\u2029]/u.test(words.subject))
    throw invalidField("subject", "wrong_format", "A subject is one line, without control characters.");
  // Lines and tabs are text; NUL and the rest are nothing that anybody reads.
  if (/[^\P{Cc}\n\r\t]|\p{Cs}/u.test(words.body))
    throw invalidField("body", "wrong_format", "The text holds control characters.");
  return { ...words, to: [...new Set(words.to)] };
}

/** The subject of an answer: marked as one, once. */
export function replySubject(subject: string): string {
  const text = /^re:/i.test(subject) ? subject : `Re: ${subject}`;
  return text.slice(0, 200).toWellFormed();
}
