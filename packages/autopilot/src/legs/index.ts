export { planLegs, type Guard, type LegPlan } from "./plan-legs.ts";
export { readChecked, runLegs, type LegDeps, type LegRun, type LegRunner, type LegRuns } from "./run-legs.ts";
