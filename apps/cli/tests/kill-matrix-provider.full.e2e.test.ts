// kill −9 of all providers between any two steps of a run.

import { test } from "node:test";
import { ROW_MS_MAX, killAtEveryStep } from "./kill-matrix.ts";

test(
  "a run outlives providers that are killed at any step, with one payment and one turn of the agent",
  { timeout: ROW_MS_MAX },
  (t) => killAtEveryStep(t, "provider"),
);
