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
  readonly title: string;
  readonly body: string;
  /** Branches; the head's may be of another repository. */
  readonly head: string;
  readonly base: string;
  readonly merged: boolean;
};

export type Comment = { readonly id: number; readonly url: string };

export type IssueSummary = Omit<ForgeIssue, "body"> & { readonly state: "open" | "closed" };

export type IssueComment = Comment & { readonly author: string; readonly body: string };

/** A page of a list, newest first as the forge sorts it; pages begin with 1. */
export type Listing = { readonly state: "open" | "closed" | "all"; readonly page: number };

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
  listIssues(listing: Listing): Promise<readonly IssueSummary[]>;
  listPullRequests(listing: Listing): Promise<readonly PullRequest[]>;
  getPullRequest(number: number): Promise<PullRequest>;
  /**
   * The first of those from a branch of this repository that `take` takes; any when
   * absent. Of any state: a pull request that a person closed is not opened again.
   */
  findPullRequest(head: string, take?: (each: PullRequest) => boolean): Promise<PullRequest | undefined>;
  createPullRequest(draft: PullRequestDraft): Promise<PullRequest>;
  updatePullRequest(number: number, change: { readonly title: string; readonly body: string }): Promise<void>;
  /** On an issue or a pull request, oldest first. */
  listComments(issueNumber: number, page: number): Promise<readonly IssueComment[]>;
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
