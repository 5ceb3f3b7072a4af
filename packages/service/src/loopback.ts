// Keeps web pages from talking to a loopback service by DNS rebinding: a page
// at evil.example whose name resolves to 127.0.0.1 still sends its own Host.

import { ProblemError } from "@openagents/contracts";

const LOOPBACK_NAMES = new Set(["127.0.0.1", "localhost", "[::1]"]);

/** Throws 403 `host_not_allowed` or `origin_not_allowed` for what a page elsewhere would send. */
export function assertLoopbackRequest(host: string | undefined, origin: string | undefined): void {
  if (!LOOPBACK_NAMES.has(nameOf(host ?? ""))) {
    throw new ProblemError({
      status: 403,
      code: "host_not_allowed",
      detail:
        "This service listens on loopback and answers only to 127.0.0.1, localhost or [::1] in the Host header.",
    });
  }
  if (origin === undefined || origin === "") return;
  if (!isLoopbackOrigin(origin)) {
    throw new ProblemError({
      status: 403,
      code: "origin_not_allowed",
      detail: "This service listens on loopback and answers no page from another origin.",
    });
  }
}

/** Whether a page of this origin was served on this computer, at whichever port. */
export function isLoopbackOrigin(origin: string): boolean {
  const authority = /^https?:\/\/([^/]+)$/.exec(origin)?.[1];
  return authority !== undefined && LOOPBACK_NAMES.has(nameOf(authority));
}

function nameOf(authority: string): string {
  return authority.replace(/:[0-9]{1,5}$/, "").toLowerCase();
}
