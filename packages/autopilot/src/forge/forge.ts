// The port to a forge: what publishing a run needs of GitHub, Gitea and Forgejo,
// which answer alike under other roots.

import type { RepositoryAddress } from "./address.ts";

export type ForgeKind = "github" | "gitea";

export type ForgeIssue = {
  readonly number: number;
  readonly title: string;
  readonly body: string;
  readonly url: string;
};

export type ForgeRepository = {
  readonly defaultBranch: string;
  readonly cloneUrl: string;
  /** Whether the token may push; undefined where the forge does not tell. */
  readonly mayPush: boolean | undefined;
};

export type PullRequest = {
  readonly number: number;
  readonly url: string;
  readonly state: "open" | "closed";
};

export type Comment = { readonly id: number; readonly url: string };

export type PullRequestDraft = {
  readonly title: string;
  readonly body: string;
  /** A branch of the same repository. */
  readonly head: string;
  readonly base: string;
};

/** One repository. Every method throws `ForgeError`, or the signal's reason. */
export type Forge = {
  readonly kind: ForgeKind;
  readonly address: RepositoryAddress;
  getRepository(): Promise<ForgeRepository>;
  getIssue(number: number): Promise<ForgeIssue>;
  hasCommit(sha: string): Promise<boolean>;
  hasBranch(name: string): Promise<boolean>;
  /** Of any state: a pull request that a person closed is not opened again. */
  findPullRequest(head: string): Promise<PullRequest | undefined>;
  createPullRequest(draft: PullRequestDraft): Promise<PullRequest>;
  updatePullRequest(number: number, change: { readonly title: string; readonly body: string }): Promise<void>;
  /** The oldest comment on the issue that holds `marker`. */
  findComment(issueNumber: number, marker: string): Promise<Comment | undefined>;
  createComment(issueNumber: number, body: string): Promise<Comment>;
  updateComment(id: number, body: string): Promise<void>;
};

/**
 * `rejected`: the forge said no, and nothing happened. `unknown`: the request may
 * have been carried out, because its answer was lost.
 */
export type ForgeFailure = "rejected" | "unknown";
