import type { Step, StepList } from "../terminal/index.ts";

/** Show work as a step; `work` says itself how it was done. */
export async function stepOf<T>(
  steps: StepList,
  name: string,
  detail: string,
  work: (step: Step) => Promise<T>,
): Promise<T> {
  const step = steps.start(name, detail);
  try {
    return await work(step);
  } catch (error) {
    // What went wrong is said once, at the end.
    step.failed("");
    throw error;
  }
}
