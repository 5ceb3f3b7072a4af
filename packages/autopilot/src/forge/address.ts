// Which repository of which forge an address names, as people copy addresses:
// an issue's page, a clone address, a git remote. Pure.

import { AutopilotError } from "../autopilot-error.ts";

export type RepositoryAddress = {
  /** Scheme and host with port, such as `https://github.com`. */
  readonly origin: string;
  readonly owner: string;
  readonly name: string;
};

export type IssueAddress = RepositoryAddress & { readonly number: number };

/** `https://HOST/OWNER/REPO/issues/7`. Throws `issue_url_unsupported`. */
export function parseIssueUrl(text: string): IssueAddress {
  const url = webUrl(text);
  const [, owner, name, number] =
    /^\/([^/]+)\/([^/]+)\/issues\/([1-9][0-9]{0,9})\/?$/.exec(url?.pathname ?? "") ?? [];
  const repository = url === undefined ? undefined : repositoryAt(url.origin, owner, name);
  if (repository === undefined || number === undefined) {
    throw new AutopilotError(
      "issue_url_unsupported",
      `${text} is not the address of an issue. Give https://HOST/OWNER/REPOSITORY/issues/NUMBER of GitHub, Gitea or Forgejo, or the issue's text in a file.`,
    );
  }
  return { ...repository, number: Number(number) };
}

/** Where a git remote lives; undefined for a folder, and for what no forge serves. */
export function parseRemote(text: string): RepositoryAddress | undefined {
  const short = /^(?:[A-Za-z0-9_.-]+@)([A-Za-z0-9.-]+):(?!\/\/)\/?(.+)$/.exec(text);
  if (short !== null) return repositoryAtPath(`https://${short[1] ?? ""}`, short[2] ?? "");
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  // The forge's pages are at its host, whatever port its ssh listens on.
  if (url.protocol === "ssh:" || url.protocol === "git+ssh:")
    return repositoryAtPath(`https://${url.hostname}`, url.pathname);
  const web = webUrl(text);
  return web === undefined ? undefined : repositoryAtPath(web.origin, web.pathname);
}

export function isSameRepository(a: RepositoryAddress, b: RepositoryAddress): boolean {
  const same = (left: string, right: string) => left.toLowerCase() === right.toLowerCase();
  return a.origin === b.origin && same(a.owner, b.owner) && same(a.name, b.name);
}

export function describeRepository({ origin, owner, name }: RepositoryAddress): string {
  return `${new URL(origin).host}/${owner}/${name}`;
}

/** Https; http only to this machine, where nobody listens in. */
function webUrl(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.username !== "" || url.password !== "") return undefined;
  const local = ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname);
  return url.protocol === "https:" || (url.protocol === "http:" && local) ? url : undefined;
}

function repositoryAtPath(origin: string, path: string): RepositoryAddress | undefined {
  const [, owner, name] = /^\/?([^/]+)\/([^/]+?)(?:\.git)?\/?$/.exec(path) ?? [];
  return repositoryAt(origin, owner, name);
}

function repositoryAt(
  origin: string,
  owner: string | undefined,
  name: string | undefined,
): RepositoryAddress | undefined {
  const word = /^[A-Za-z0-9_.-]{1,100}$/;
  if (owner === undefined || name === undefined || !word.test(owner) || !word.test(name)) return undefined;
  if ([owner, name].some((each) => each === "." || each === "..")) return undefined;
  return { origin, owner, name };
}
