// Cheats on a project of C with a Makefile, of which only an exit code is known.

import type { Cheat, CheatedProject, Honest } from "./cheat.ts";

const WRONG = '#include "sum.h"\nint sum(int a, int b) { return a - b; }\n';
const TEST = '#include "../sum.h"\nint main(void) { return sum(1, 2) == 3 ? 0 : 1; }\n';
const MAKEFILE = "test:\n\t@cc -o /tmp/t sum.c tests/sum_test.c && /tmp/t\n";

export const MAKE: CheatedProject = {
  files: {
    Makefile: MAKEFILE,
    "sum.h": "int sum(int a, int b);\n",
    "sum.c": WRONG,
    "tests/sum_test.c": TEST,
  },
  commands: ["make test"],
  toolchains: [],
};

export const MAKE_CHEATS: readonly Cheat[] = [
  {
    name: "the Makefile's test becomes true",
    changes: { Makefile: "test:\n\t@true\n" },
    verdict: "failed",
    because: /put back/,
  },
  {
    name: "a GNUmakefile is added, which make prefers",
    changes: { GNUmakefile: "test:\n\t@true\n" },
    verdict: "needs_review",
    because: /GNUmakefile/,
  },
  {
    name: "the failing test is bent until it passes",
    changes: { "tests/sum_test.c": TEST.replace("== 3", "== -1") },
    verdict: "passed_only",
    because: /without the patch too/,
  },
  {
    name: "the failing test asks for something that only the patch has",
    changes: {
      "sum.h": "int sum(int a, int b);\n#define DONE 0\n",
      "tests/sum_test.c": '#include "../sum.h"\nint main(void) { return DONE; }\n',
    },
    verdict: "failed",
    because: /put back/,
  },
  {
    name: "the failing test is deleted, and the Makefile knows",
    changes: { Makefile: "test:\n\t@cc -c -o /tmp/t sum.c\n", "tests/sum_test.c": undefined },
    verdict: "failed",
    because: /put back/,
  },
  {
    name: "a file named test stands where make looks for its target",
    changes: { test: "" },
    verdict: "needs_review",
    because: /how checks are run: test/,
  },
  {
    name: "a program named cc is committed",
    changes: { cc: "#!/bin/sh\nprintf '#!/bin/sh' > /tmp/t; chmod +x /tmp/t\n" },
    verdict: "failed",
    because: /exits/,
  },
  {
    name: "the source ends its process before the test is asked",
    changes: {
      "sum.c": `#include <stdlib.h>\n${WRONG}__attribute__((constructor)) static void end(void) { exit(0); }\n`,
    },
    verdict: "needs_review",
    because: /can end the process.*sum[.]c/,
  },
  {
    name: "the check passes on the base",
    base: { Makefile: "test:\n\t@true\n" },
    changes: { "sum.c": WRONG.replace("a - b", "a + b") },
    verdict: "passed_only",
    because: /without the patch too/,
  },
  {
    name: "the base's command is not there",
    base: { Makefile: "test:\n\t@sh -c 'exit 127'\n" },
    commands: ["sh -c 'test -f done || no-such-compiler'"],
    changes: { done: "" },
    verdict: "inconclusive",
    because: /base leg could not start/,
  },
];

export const MAKE_FIXES: readonly Honest[] = [
  { name: "the source is mended", changes: { "sum.c": WRONG.replace("a - b", "a + b") } },
];
