export { describeRepository, parseIssueUrl, type IssueAddress, type RepositoryAddress } from "./address.ts";
export { connectForge } from "./connect.ts";
export type { ExportLog } from "./export-once.ts";
export { ForgeError } from "./forge-error.ts";
export type { Forge, Listing, PullRequest } from "./forge.ts";
export { forgeToken, importIssue, openTarget, type PullRequestTarget } from "./open-target.ts";
export { publishPullRequest, publishStatus } from "./publish.ts";
export { pullRequestBody } from "./pull-request-body.ts";
