// What a pull request and a status comment say. Pure. The summary quotes texts of
// strangers: nothing in it may call people, refer to other issues, close one, or
// look like the metadata that is at the end.

/** Largest body that forges take, in characters. */
const BODY_CHARS_MAX = 65_536;
const TRUNCATED = "[Summary truncated. Full summary in PR_SUMMARY.md]";

export type RunMetadata = {
  readonly sessionId: string;
  readonly policyBundleId: string | undefined;
  /** Head of the run's hash chain, as the run tells it: `sha256:` and 64 hex digits. */
  readonly trajectoryHash: string;
  /** Only when someone other than the paid provider reproduced the result. */
  readonly verified: boolean;
};

/** `issueNumber`: of the issue in the same repository that merging closes. */
export function pullRequestBody(
  summary: string,
  metadata: RunMetadata,
  issueNumber: number | undefined,
): string {
  const closes = issueNumber === undefined ? "" : `Closes #${issueNumber}\n\n`;
  const end = `\n\n---\n\n${footer(metadata)}\n`;
  return `${closes}${fitted(defused(summary), BODY_CHARS_MAX - closes.length - end.length)}${end}`;
}

function footer({ sessionId, policyBundleId, trajectoryHash, verified }: RunMetadata): string {
  return [
    "<!-- OpenAgents metadata -->",
    `<!-- session_id: ${sessionId} -->`,
    `<!-- policy_bundle_id: ${policyBundleId ?? "none"} -->`,
    `<!-- trajectory_hash: ${trajectoryHash} -->`,
    `<!-- verification_passed: ${verified} -->`,
  ].join("\n");
}

/** By this line a run finds its own comment again. */
export function commentMarker(runId: string): string {
  return `<!-- OpenAgents status of ${runId} -->`;
}

export function statusComment(runId: string, text: string): string {
  const end = `\n\n${commentMarker(runId)}\n`;
  return `${fitted(defused(text), BODY_CHARS_MAX - end.length)}${end}`;
}

function defused(text: string): string {
  return text
    .replaceAll("<!--", "<\u200B!--")
    .replace(/@(?=[A-Za-z0-9])/g, "@\u200B")
    .replace(/#(?=\d)/g, "#\u200B")
    .replace(/\bGH-(?=\d)/gi, "GH\u200B-")
    .replace(/\/(issues|pull|pulls)\/(?=\d)/g, "/\u200B$1/");
}

function fitted(text: string, charsMax: number): string {
  const whole = text.trimEnd();
  if (whole.length <= charsMax) return whole;
  const kept = whole.slice(0, charsMax - TRUNCATED.length - 2).toWellFormed();
  return `${kept.slice(0, Math.max(kept.lastIndexOf("\n"), 0))}\n\n${TRUNCATED}`;
}
