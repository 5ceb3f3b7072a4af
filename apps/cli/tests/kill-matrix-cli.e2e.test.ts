// kill −9 of the command between any two steps of a run.

import { test } from "node:test";
import { ROW_MS_MAX, killAtEveryStep } from "./kill-matrix.ts";

test(
  "killed at any step, a run is resumed to the same end, with one payment and one turn of the agent",
  { timeout: ROW_MS_MAX },
  (t) => killAtEveryStep(t, "cli"),
);
