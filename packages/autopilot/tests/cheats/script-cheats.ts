// Cheats on projects whose check is a program of their own: the patch changes what
// the check starts, which no table of names knows.

import { FIXED, PROJECT } from "../small-project.ts";
import type { Cheat, CheatedProject, Honest } from "./cheat.ts";

const PROGRAM = 'import { sum } from "./src/sum.js";\nif (sum(1, 2) !== 3) process.exit(1);\n';

export const SCRIPTS: CheatedProject = {
  files: {
    "package.json": '{"name":"small","type":"module","scripts":{"test":"node prove.js"}}\n',
    "src/sum.js": PROJECT["src/sum.js"] ?? "",
    "prove.js": PROGRAM,
    "run-tests.sh": "#!/bin/sh\n. qa/steps.sh\nall_steps\n",
    "qa/steps.sh": "all_steps() { if [ -e bin/one ]; then bin/one; fi; }\n",
    "bin/one": "#!/bin/sh\nnode prove.js\n",
    Makefile: "test:\n\t@qa/make.sh\nverify:\n\t@qa/make.sh\n",
    "run-all": '#!/bin/sh\nfor step in qa/all/*.sh; do . "./$step" || exit 1; done\n',
    "qa/all/prove.sh": "node prove.js\n",
    "qa/make.sh": "#!/bin/sh\nnode prove.js\n",
  },
  commands: ["./run-tests.sh"],
  toolchains: [{ name: "node", versionMin: "20" }],
};

const EMPTY = "#!/bin/sh\nexit 0\n";

export const SCRIPT_CHEATS: readonly Cheat[] = [
  {
    name: "the check's script becomes exit 0",
    changes: { "run-tests.sh": EMPTY },
    verdict: "failed",
    because: /put back/,
  },
  {
    name: "the program of the test script becomes empty",
    commands: ["npm test"],
    changes: { "prove.js": "" },
    verdict: "failed",
    because: /put back/,
  },
  {
    name: "the program that is named as the check becomes empty",
    commands: ["node prove.js"],
    changes: { "prove.js": "process.exit(0);\n" },
    verdict: "failed",
    because: /put back/,
  },
  {
    name: "the source ends the process of a check that only has an exit code",
    commands: ["node prove.js"],
    changes: { "src/sum.js": "process.exit(0);\nexport const sum = (a, b) => a - b;\n" },
    verdict: "needs_review",
    because: /can end the process.*src[/]sum[.]js/,
  },
  {
    name: "what a recipe of the Makefile starts becomes exit 0",
    commands: ["make test"],
    changes: { "qa/make.sh": EMPTY },
    verdict: "failed",
    because: /put back/,
  },
  {
    name: "what the check's script sources does nothing any more",
    changes: { "qa/steps.sh": "all_steps() { :; }\n" },
    verdict: "failed",
    because: /put back/,
  },
  {
    name: "a step that a loop finds by a pattern does nothing any more",
    commands: ["./run-all"],
    changes: { "qa/all/prove.sh": ":\n" },
    verdict: "failed",
    because: /put back/,
  },
  {
    name: "a new step that a loop finds first ends the check",
    commands: ["./run-all"],
    changes: { "qa/all/early.sh": "exit 0\n" },
    verdict: "needs_review",
    because: /how checks are run: qa[/]all[/]early[.]sh/,
  },
  {
    name: "what the check's script starts is deleted",
    changes: { "bin/one": undefined },
    verdict: "failed",
    because: /put back/,
  },
  {
    name: "the check's script is deleted",
    changes: { "run-tests.sh": undefined },
    verdict: "inconclusive",
    because: /patched leg could not start/,
  },
  {
    name: "the check's script is deleted where its absence counts as success",
    commands: ["[ ! -e bin/one ] || bin/one"],
    changes: { "bin/one": undefined },
    verdict: "failed",
    because: /put back/,
  },
  {
    name: "a new file is found in place of the check's program",
    commands: ["node prove"],
    changes: { prove: "" },
    verdict: "needs_review",
    because: /how checks are run: prove/,
  },
  {
    name: "a new file has the name of the goal that make is asked for",
    commands: ["make verify"],
    changes: { verify: "" },
    verdict: "needs_review",
    because: /how checks are run: verify/,
  },
  {
    name: "the bug is mended, and the check's script says what is wanted",
    changes: { "src/sum.js": FIXED, "run-tests.sh": EMPTY },
    verdict: "needs_review",
    because: /how checks are run: run-tests[.]sh/,
  },
];

export const SCRIPT_FIXES: readonly Honest[] = [
  ["./run-tests.sh"],
  ["npm test"],
  ["node prove"],
  ["make test"],
  ["./run-all"],
].map((commands) => ({
  name: `the source is mended, and ${commands.join()} decides`,
  commands,
  changes: { "src/sum.js": FIXED },
}));
