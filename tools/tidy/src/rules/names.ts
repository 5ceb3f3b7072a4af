// Files that may not exist: names that say nothing, and hosted-CI workflows.
//
// Local CI is the only CI (INV-12): a workflow file in the repository would let
// a hosted service act with the repository's rights.

import { basename } from "node:path";
import type { Tree } from "../tree.ts";
import type { Violation } from "../violation.ts";

const EMPTY_NAMES = new Set([
  "utils",
  "util",
  "helpers",
  "helper",
  "common",
  "misc",
  "manager",
  "base",
  "data",
  "info",
]);

const HOSTED_CI = [
  /^\.(?:github|forgejo|gitea)\/workflows\//,
  /^\.(?:circleci|buildkite|woodpecker)\//,
  /^\.(?:gitlab-ci|travis|drone|woodpecker|appveyor|cirrus)\.ya?ml$/,
  /^(?:azure-pipelines|bitbucket-pipelines|appveyor)\.ya?ml$/,
  /^Jenkinsfile$/,
];

export function checkNames(tree: Tree): Violation[] {
  const emptyNames = tree.workspaces.flatMap((workspace) =>
    workspace.sources.flatMap((source) => {
      const inside = source.path.slice(workspace.folder.length + 1);
      const empty = [...inside.split("/").slice(0, -1), basename(inside).replace(/\..*$/, "")].find((part) =>
        EMPTY_NAMES.has(part),
      );
      if (empty === undefined) return [];
      return [
        {
          rule: "names",
          file: source.path,
          problem: `"${empty}" says nothing; name it after what it exports.`,
        },
      ];
    }),
  );
  const workflows = [...tree.files]
    .filter((file) => HOSTED_CI.some((pattern) => pattern.test(file)))
    .map((file) => ({
      rule: "hosted-ci",
      file,
      problem: "no hosted-CI files (INV-12); local CI runs from .ci/run.",
    }));
  return [...emptyNames, ...workflows];
}
