/** What is sold in the simulation. */
export const SANDBOX_RUN = "oa.sandbox_run.v1";
