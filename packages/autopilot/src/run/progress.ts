// What a person sees of a run while it happens: steps with their durations.

import { performance } from "node:perf_hooks";

export const STEPS = [
  "executor",
  "workspace",
  "check",
  "layers",
  "agent",
  "patch",
  "quote",
  "reserve",
  "job",
  "verify",
  "second",
  "third",
  "settle",
  "bundle",
  "branch",
  "issue",
  "pull request",
] as const;

export type StepName = (typeof STEPS)[number];

export type Progress = {
  readonly step: StepName;
  /** `updated` tells news of a step that goes on. */
  readonly state: "started" | "updated" | "done" | "failed";
  /** Since the step started. */
  readonly durationMs: number;
  readonly detail: string;
};

export type Steps = {
  /** Run one step. `say` tells news meanwhile; what `describe` makes of the result is told at the end. */
  step<T>(
    name: StepName,
    work: (say: (detail: string) => void) => Promise<T>,
    describe: (result: T) => string,
  ): Promise<T>;
  /** The step that runs or has failed; undefined before the first. */
  readonly current: StepName | undefined;
};

export function trackSteps(onProgress: (progress: Progress) => void): Steps {
  let current: StepName | undefined;
  return {
    get current() {
      return current;
    },
    async step(name, work, describe) {
      current = name;
      const startedMs = performance.now();
      const tell = (state: Progress["state"], detail: string) =>
        onProgress({ step: name, state, durationMs: Math.round(performance.now() - startedMs), detail });
      tell("started", "");
      try {
        const result = await work((detail) => tell("updated", detail));
        tell("done", describe(result));
        return result;
      } catch (cause) {
        tell("failed", cause instanceof Error ? cause.message : String(cause));
        throw cause;
      }
    },
  };
}
