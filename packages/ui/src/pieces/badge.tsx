import { statusWord } from "../status-words.ts";

/** A status word of the contract, with its colour and, on hover, its meaning. */
export function Badge({ word }: { readonly word: string }) {
  const { label, tone, meaning } = statusWord(word);
  return (
    <span className="oa-badge" data-tone={tone} title={meaning}>
      {label}
    </span>
  );
}
