// A run's pull request and its one comment on the issue, each brought up to date
// when it is there already.

import { describeRepository } from "./address.ts";
import { exportOnce, type ExportLog } from "./export-once.ts";
import type { Forge, PullRequest, PullRequestDraft } from "./forge.ts";
import { commentMarker, statusComment } from "./pull-request-body.ts";

/** Open the pull request of the branch `draft.head`, or find it. Throws as `exportOnce`. */
export async function publishPullRequest(
  log: ExportLog,
  forge: Forge,
  draft: PullRequestDraft,
): Promise<Pick<PullRequest, "url">> {
  const { title, body, head, base } = draft;
  const { url, found } = await exportOnce(log, {
    kind: "pull_request",
    target: describeRepository(forge.address),
    content: { title, head, base },
    find: () => forge.findPullRequest(head),
    send: () => forge.createPullRequest(draft),
  });
  // One that a person closed is left as it is.
  if (found?.state === "open") await forge.updatePullRequest(found.number, { title, body });
  return { url };
}

/** Say how the run stands. Throws as `exportOnce`. */
export async function publishStatus(
  log: ExportLog,
  forge: Forge,
  issueNumber: number,
  text: string,
): Promise<void> {
  const body = statusComment(log.runId, text);
  const { found } = await exportOnce(log, {
    kind: "status_comment",
    target: `${describeRepository(forge.address)}#${issueNumber}`,
    content: { issue_number: issueNumber },
    find: () => forge.findComment(issueNumber, commentMarker(log.runId)),
    send: () => forge.createComment(issueNumber, body),
  });
  if (found !== undefined) await forge.updateComment(found.id, body);
}
