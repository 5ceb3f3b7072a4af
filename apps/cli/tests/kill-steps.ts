// The steps of the main job, as they come by at the door before the runtime. The
// kill matrix ends each victim between any two of them.

import type { Passing } from "./door.ts";

/** `before`: the runtime does not have it yet. `after`: it has answered, and the caller does not know. */
export type Side = "before" | "after";

export type Call = Passing & {
  /** A provider's call for another job than the one that was ordered. */
  readonly isSecond: boolean;
};

export type Step = {
  readonly name: string;
  /** Whose call it is. */
  readonly by: "cli" | "provider";
  readonly is: (call: Call) => boolean;
  /** The sides that differ; a claim that waits for work is nothing before it is answered. */
  readonly sides: readonly Side[];
};

const BOTH = ["before", "after"] as const;

const calls = (end: string, sides: readonly Side[] = BOTH) => ({
  by: "cli" as const,
  is: ({ path }: Call) => path.endsWith(end),
  sides,
});

const tells = (eventType: string) => ({
  by: "cli" as const,
  is: ({ path, body }: Call) => path.endsWith("/events") && body.includes(`"${eventType}"`),
  sides: BOTH,
});

const works = (of: "first" | "second", is: (call: Call) => boolean, sides: readonly Side[] = BOTH) => ({
  by: "provider" as const,
  is: (call: Call) => call.isSecond === (of === "second") && is(call),
  sides,
});

const isClaim = ({ path }: Call) => path.endsWith("/jobs/claim");
const isResult = ({ path, method }: Call) => method === "POST" && path.endsWith("/result");
const isLeased =
  (verb: string) =>
  ({ path, method }: Call) =>
    method === verb && path.includes("/artifacts/") && path.includes("lease_id=");

const isFirstVerification = ({ key }: Call) => key.endsWith(":verify:first");

export const STEPS: readonly Step[] = [
  { name: "the lease", ...calls("/executor") },
  { name: "the agent's first words", ...tells("agent.message") },
  { name: "the patch", ...tells("patch.made") },
  { name: "the quote", ...calls("/quote/sandbox-run") },
  { name: "the reservation", ...calls("/compute/reserve") },
  { name: "the dispatch", ...calls("/dispatch/sandbox-run") },
  { name: "the provider's claim", ...works("first", isClaim, ["after"]) },
  { name: "its input", ...works("first", isLeased("GET")) },
  { name: "its output", ...works("first", isLeased("PUT")) },
  { name: "its result", ...works("first", isResult) },
  {
    name: "the first verification",
    by: "cli",
    is: (call) => call.path.endsWith("/verifications/sandbox-run") && isFirstVerification(call),
    sides: BOTH,
  },
  { name: "the second provider's claim", ...works("second", isClaim, ["after"]) },
  { name: "the second result", ...works("second", isResult) },
  {
    name: "the final verification",
    by: "cli",
    is: (call) => call.path.endsWith("/verifications/sandbox-run") && !isFirstVerification(call),
    sides: BOTH,
  },
  { name: "the settlement", ...calls("/settle/sandbox-run") },
  { name: "the end of the run", ...tells("run.finished") },
  { name: "the bundle", ...calls("/bundle") },
  // Nothing is done any more after the runtime has the lease back.
  { name: "the branch", ...calls("/executor/release", ["before"]) },
];
