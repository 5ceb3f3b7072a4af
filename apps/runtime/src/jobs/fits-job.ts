import type { WorkerCaps } from "@openagents/contracts";
import { fitsCaps } from "../workers/index.ts";
import { isOpinionSpec, isRepoIndex, type JobSpec } from "./spec.ts";

const MIB = 1024n * 1024n;

/**
 * Whether a worker's caps leave room for a job. Nothing of a tree runs to index it:
 * it takes disk and time alone. What takes judgement takes time.
 */
export function fitsJob(caps: WorkerCaps, spec: JobSpec): boolean {
  if (isOpinionSpec(spec)) return spec.wallMs <= caps.wallMsMax;
  if (!isRepoIndex(spec)) return fitsCaps(caps, spec.limits);
  return spec.bytesMax <= BigInt(caps.diskMibMax) * MIB && spec.wallMs <= caps.wallMsMax;
}
