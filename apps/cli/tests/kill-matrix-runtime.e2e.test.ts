// kill −9 of the runtime between any two steps of a run.

import { test } from "node:test";
import { ROW_MS_MAX, killAtEveryStep } from "./kill-matrix.ts";

test(
  "a run outlives a runtime that is killed at any step, with one payment and one turn of the agent",
  { timeout: ROW_MS_MAX },
  (t) => killAtEveryStep(t, "runtime"),
);
