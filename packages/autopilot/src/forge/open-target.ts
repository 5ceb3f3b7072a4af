// Before anything is spent: whether a run's result can become a pull request, and
// on which branch.

import { AutopilotError } from "../autopilot-error.ts";
import { GitError, runGitText } from "../git/index.ts";
import type { Source } from "../workspace/index.ts";
import {
  describeRepository,
  isSameRepository,
  parseRemote,
  type IssueAddress,
  type RepositoryAddress,
} from "./address.ts";
import { connectForge } from "./connect.ts";
import type { Forge, ForgeIssue } from "./forge.ts";

/** Where a run's pull request goes; kept with the run, without the token. */
export type PullRequestTarget = RepositoryAddress & {
  readonly cloneUrl: string;
  /** The branch that it is to be merged into. */
  readonly base: string;
};

export type TargetRequest = {
  readonly source: Source;
  /** Of the issue, where it was given by its address. */
  readonly issueRepository: RepositoryAddress | undefined;
  readonly tokenOf: (forge: Pick<RepositoryAddress, "origin">) => string | undefined;
  readonly signal: AbortSignal;
};

/**
 * Throws `pull_request_needs_token`, `pull_request_needs_forge`,
 * `repository_differs`, `push_not_allowed`, `head_not_pushed`, and what the forge says.
 */
export async function openTarget(request: TargetRequest): Promise<PullRequestTarget> {
  const { source, issueRepository, tokenOf, signal } = request;
  const address = await repositoryOf(source, issueRepository, signal);
  const name = describeRepository(address);
  const token = tokenOf(address);
  if (token === undefined) {
    throw new AutopilotError(
      "pull_request_needs_token",
      `A pull request to ${name} needs a token that may push there. Set ${tokenNames(address).join(" or ")}.`,
    );
  }
  const forge = await connectForge(address, { token, signal });
  const { cloneUrl, defaultBranch, mayPush } = await forge.getRepository();
  if (mayPush === false) {
    throw new AutopilotError(
      "push_not_allowed",
      `The token may not push to ${name}. Take one that may, or run without --pr.`,
    );
  }
  const cloned = URL.canParse(cloneUrl) ? new URL(cloneUrl).origin : undefined;
  // The token is for the forge, and not for wherever its answer points to.
  if (cloned !== address.origin) {
    throw new AutopilotError(
      "push_not_allowed",
      `${name} is pushed to at another address (${cloneUrl}), which is not done.`,
    );
  }
  const base =
    source.kind === "folder" ? await baseOf(source.path, forge, defaultBranch, signal) : defaultBranch;
  const { origin, owner, name: repository } = address;
  return { origin, owner, name: repository, cloneUrl, base };
}

/** Read an issue by its address. Throws what the forge says. */
export async function importIssue(
  address: IssueAddress,
  token: string | undefined,
  signal: AbortSignal,
): Promise<ForgeIssue> {
  const forge = await connectForge(address, { token, signal });
  return forge.getIssue(address.number);
}

/** The token for a forge, from the environment: one for any, or the one that is customary there. */
export function forgeToken(
  env: Readonly<Record<string, string | undefined>>,
  address: Pick<RepositoryAddress, "origin">,
): string | undefined {
  return tokenNames(address)
    .map((name) => env[name])
    .find((value) => value !== undefined && value !== "");
}

/** A token of one forge is never offered to another host. */
function tokenNames({ origin }: Pick<RepositoryAddress, "origin">): string[] {
  return origin === "https://github.com"
    ? ["OPENAGENTS_FORGE_TOKEN", "GITHUB_TOKEN", "GH_TOKEN"]
    : ["OPENAGENTS_FORGE_TOKEN"];
}

async function repositoryOf(
  source: Source,
  issueRepository: RepositoryAddress | undefined,
  signal: AbortSignal,
): Promise<RepositoryAddress> {
  const remote = source.kind === "url" ? source.url : await originOf(source.path, signal);
  const own = remote === undefined ? undefined : parseRemote(remote);
  const address = issueRepository ?? own;
  if (address === undefined) {
    throw new AutopilotError(
      "pull_request_needs_forge",
      "A pull request needs a repository on GitHub, Gitea or Forgejo: give --issue with an issue's address, or --repo with a repository whose remote `origin` is there.",
    );
  }
  if (own !== undefined && !isSameRepository(own, address)) {
    throw new AutopilotError(
      "repository_differs",
      `The issue is in ${describeRepository(address)}, and the repository comes from ${describeRepository(own)}. Give a clone of the issue's repository.`,
    );
  }
  return address;
}

async function originOf(repo: string, signal: AbortSignal): Promise<string | undefined> {
  return runGitText(["config", "--get", "remote.origin.url"], { cwd: repo, signal }).catch(
    (cause: unknown) => {
      if (cause instanceof GitError) return undefined;
      throw cause;
    },
  );
}

/** The branch that the user is on, where the forge has it, else the default one. */
async function baseOf(
  repo: string,
  forge: Forge,
  defaultBranch: string,
  signal: AbortSignal,
): Promise<string> {
  const head = await runGitText(["rev-parse", "--verify", "HEAD^{commit}"], { cwd: repo, signal }).catch(
    (cause: unknown) => {
      if (!(cause instanceof GitError)) throw cause;
      throw new AutopilotError("pull_request_needs_forge", `${repo} is no git repository with a commit.`, {
        cause,
      });
    },
  );
  if (!(await forge.hasCommit(head))) {
    throw new AutopilotError(
      "head_not_pushed",
      `${describeRepository(forge.address)} does not have your HEAD ${head.slice(0, 12)}, so that the pull request would hold more than the run's patch. Push it first.`,
    );
  }
  const branch = await runGitText(["symbolic-ref", "--short", "--quiet", "HEAD"], {
    cwd: repo,
    signal,
  }).catch(() => undefined);
  return branch !== undefined && (await forge.hasBranch(branch)) ? branch : defaultBranch;
}
