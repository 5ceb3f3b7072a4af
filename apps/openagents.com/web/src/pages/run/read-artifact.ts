import { Artifacts, ProblemError } from "@openagents/contracts";
import { client } from "../../api.ts";

/** Undefined when it is not kept any more, or is not this reader's. */
export async function readArtifact(sha256: string, signal?: AbortSignal): Promise<Uint8Array | undefined> {
  try {
    const answer = await client(Artifacts).getArtifact({ sha256 }, signal === undefined ? {} : { signal });
    return answer.data;
  } catch (error) {
    if (error instanceof ProblemError && error.status === 404) return undefined;
    throw error;
  }
}

export async function readTextArtifact(sha256: string, signal: AbortSignal): Promise<string | undefined> {
  const bytes = await readArtifact(sha256, signal);
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}
