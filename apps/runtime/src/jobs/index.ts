export { canceledFacts } from "./canceled-facts.ts";
export { fitsJob } from "./fits-job.ts";
export {
  LEASE_MS,
  OUTAGE_MS,
  QUEUED_MS_MAX,
  hasWaitedTooLong,
  isTaken,
  jobMessage,
  queuedJob,
  requeueJob,
  settleJob,
  type Job,
} from "./job.ts";
export { LEASE_DETAILS, whyEnded } from "./lease-refusals.ts";
export {
  extendLeases,
  findGivenLease,
  insertMove,
  listFormerProviders,
  listLapsed,
  listUntaken,
  lockLeasesLiveAt,
  lockSeen,
  lockUnlapsed,
  markLapsed,
  markSeen,
  type SweptJob,
} from "./leases.ts";
export { openOffers, type Offers } from "./offers.ts";
export { jobRoutes } from "./routes.ts";
export type { JobsDeps } from "./service.ts";
export {
  SANDBOX_RUN,
  answerSha256,
  capabilityOf,
  inputsOf,
  isIndexResult,
  isOpinion,
  isOpinionSpec,
  isRepoIndex,
  jobHashOf,
  outputsOf,
  resultFacts,
  specFacts,
  specFromText,
  specText,
  type JobResult,
  type JobSpec,
  type OpinionSpec,
  type TreeSpec,
} from "./spec.ts";
export {
  countOpenJobs,
  findJob,
  findJobByQuote,
  findJobByReservation,
  findLease,
  insertJob,
  listJobsAbout,
  listOpenJobsOf,
  listOpenWorkOf,
  lockJob,
  lockLease,
  updateJob,
  type LeaseHold,
} from "./store.ts";
