// What a vignette is: a story played on the stage, and the milestones that the
// record must show afterwards, in order.

import type { CapProbe } from "./metrics.ts";
import type { Milestone } from "./milestones.ts";
import type { Enrolled, Stage } from "./stage.ts";

export type Vignette = {
  readonly name: string;
  /** What it shows, in a sentence. */
  readonly shows: string;
  /** What the first run and the workers must have gone through; others may stand between. */
  readonly expected: readonly Milestone[];
  /** What each further run must have gone through. */
  readonly expectedOfOthers?: readonly Milestone[];
  /** What has to lie for a while: done before the first vignette is played, by a buyer of its own. */
  begin?(stage: Stage, cast: Cast): Promise<void>;
  /** Rejects when something is not as it must be. */
  play(stage: Stage, cast: Cast): Promise<void>;
};

/** Who and what took part; filled as the story goes, so that a story that breaks off is recorded too. */
export type Cast = {
  readonly runIds: string[];
  readonly workers: Enrolled[];
  readonly capProbes: CapProbe[];
};
