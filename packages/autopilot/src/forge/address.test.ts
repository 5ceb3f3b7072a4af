import assert from "node:assert/strict";
import test from "node:test";
import { isSameRepository, parseIssueUrl, parseRemote } from "./address.ts";

test("an issue's page names host, repository and number", () => {
  assert.deepEqual(parseIssueUrl("https://github.com/owner/repo.js/issues/12"), {
    origin: "https://github.com",
    owner: "owner",
    name: "repo.js",
    number: 12,
  });
  assert.equal(
    parseIssueUrl("https://forge.example:3000/o/r/issues/1/").origin,
    "https://forge.example:3000",
  );
  assert.equal(parseIssueUrl("http://127.0.0.1:4000/o/r/issues/1#note").number, 1);
});

test("what is no issue's page is refused by name", () => {
  for (const text of [
    "https://github.com/owner/repo/pull/12",
    "https://github.com/owner/repo/issues/0",
    "https://github.com/owner/repo/issues",
    "https://github.com/owner/../issues/1",
    "https://github.com/a%2Fb/repo/issues/1",
    "http://github.com/owner/repo/issues/1",
    "https://me:secret@github.com/owner/repo/issues/1",
    "ftp://github.com/owner/repo/issues/1",
    "issues/1",
  ]) {
    assert.throws(() => parseIssueUrl(text), { code: "issue_url_unsupported" }, text);
  }
});

test("every form of a git remote names the same repository", () => {
  const expected = { origin: "https://github.com", owner: "owner", name: "repo" };
  for (const text of [
    "https://github.com/owner/repo",
    "https://github.com/owner/repo.git",
    "git@github.com:owner/repo.git",
    "ssh://git@github.com/owner/repo.git",
    "ssh://git@github.com:22/owner/repo",
  ]) {
    assert.deepEqual(parseRemote(text), expected, text);
  }
  for (const text of ["/srv/git/repo.git", "../repo", "file:///srv/repo.git", "https://github.com/owner", ""])
    assert.equal(parseRemote(text), undefined, text);
});

test("owner and name are the same in any case, and another host is another repository", () => {
  const one = { origin: "https://github.com", owner: "Owner", name: "Repo" };
  assert.ok(isSameRepository(one, { ...one, owner: "owner", name: "repo" }));
  assert.ok(!isSameRepository(one, { ...one, origin: "https://gitea.example" }));
});
