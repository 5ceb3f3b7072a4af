// What each status word of the contract is called on a screen, and how it is
// coloured. Colour is never the only bearer: the word stands beside it.

export type Tone = "neutral" | "active" | "good" | "attention" | "bad";

export type StatusWord = { readonly label: string; readonly tone: Tone; readonly meaning?: string };

const WORDS: Readonly<Record<string, StatusWord>> = {
  created: { label: "Created", tone: "neutral", meaning: "Nothing has been executed yet." },
  running: { label: "Running", tone: "active" },
  canceling: { label: "Canceling", tone: "attention", meaning: "It spends no more, and ends what it began." },
  canceled: { label: "Canceled", tone: "neutral" },
  succeeded: { label: "Succeeded", tone: "good" },
  failed: { label: "Failed", tone: "bad" },
  pending: { label: "Pending", tone: "active" },
  unknown: {
    label: "Not known yet",
    tone: "attention",
    meaning: "It may have happened. It is asked again until known, and never sent twice.",
  },

  proven: {
    label: "Proven",
    tone: "good",
    meaning: "The check fails on the base and passes with the patch, so it can tell them apart.",
  },
  needs_review: { label: "Needs review", tone: "attention", meaning: "A person must decide." },
  passed_only: {
    label: "Passed only",
    tone: "attention",
    meaning: "The check passes with the patch, and also without it: it proves nothing about the patch.",
  },
  inconclusive: { label: "Inconclusive", tone: "attention" },
  agreed: { label: "Agreed", tone: "good", meaning: "Independent answers are the same." },
  outvoted: { label: "Outvoted", tone: "bad" },

  provider: { label: "By the provider alone", tone: "attention" },
  self: { label: "Run again by your own device", tone: "good" },
  independent: { label: "Run again by another owner", tone: "good" },

  reserved: { label: "Reserved", tone: "active" },
  released: { label: "Released", tone: "good" },
  withheld: { label: "Withheld", tone: "attention" },
  voided: { label: "Given back", tone: "neutral" },
  expired: { label: "Expired", tone: "neutral" },

  queued: { label: "Queued", tone: "neutral" },
  leased: { label: "Working", tone: "active" },
  reported: { label: "Handed in", tone: "active" },
  verified: { label: "Verified", tone: "good" },
  settled: { label: "Settled", tone: "good" },
  reassigned: { label: "Reassigned", tone: "attention" },

  stopped: { label: "Stopped", tone: "neutral" },
  disabled: { label: "Disabled", tone: "bad" },
  connected: { label: "Connected", tone: "good", meaning: "A process on it takes work at this moment." },
  not_connected: {
    label: "Not connected",
    tone: "neutral",
    meaning: "Nothing on it follows its work now. What is sent to it waits.",
  },
  fresh: { label: "Online", tone: "good" },
  stale: { label: "Not heard from", tone: "attention" },
  quarantined: { label: "Quarantined", tone: "bad" },

  holds: { label: "Holds", tone: "good" },
  enrolled: { label: "Enrolled", tone: "good" },
  used: { label: "Used", tone: "neutral" },
  waiting: { label: "Waits for you", tone: "attention" },

  open: { label: "Open", tone: "attention" },
  adjudicating: { label: "Being decided", tone: "active" },
  decided: { label: "Decided", tone: "neutral" },

  approved: { label: "Approved", tone: "good" },
  rejected: { label: "Rejected", tone: "bad" },
  active: { label: "Active", tone: "good" },
  maintenance: { label: "Maintenance", tone: "bad" },
  read_only: { label: "Writes frozen", tone: "bad" },
  draft: { label: "Draft", tone: "neutral", meaning: "It can be written anew until it is published." },
  published: { label: "Published", tone: "good", meaning: "It never changes again." },
  revoked: { label: "Revoked", tone: "neutral" },
};

/** How a status word is shown; an unknown one as it is, without a judgement. */
export function statusWord(word: string): StatusWord {
  return WORDS[word] ?? { label: sentence(word), tone: "neutral" };
}

/** `needs_review` as `Needs review`. */
export function sentence(word: string): string {
  const text = word.replaceAll(/[._]/g, " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
