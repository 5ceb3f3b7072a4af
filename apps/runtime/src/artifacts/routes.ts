// Who may store and read which bytes: an organisation what it was granted, a
// provider the inputs of a job while it holds the job's lease.

import {
  Artifacts,
  bind,
  type Artifact,
  type Binding,
  type CollectArtifactsResponse,
} from "@openagents/contracts";
import { decodeCursor, encodeCursor, notFound, PAGE_DEFAULT } from "@openagents/service";
import { collectPage, previewPage } from "./collect.ts";
import type { ArtifactsDeps } from "./deps.ts";
import { findUsage, listGrants, type Grant } from "./grants.ts";
import { mayRead, requireLease } from "./lease-reach.ts";
import { putArtifact, quotaOf } from "./put-artifact.ts";
import { shareArtifact } from "./share-artifact.ts";

export function artifactRoutes(deps: ArtifactsDeps): Binding {
  const findGrant = async (org: string, sha256: string) =>
    (await deps.artifacts.listGranted(org, [sha256])).get(sha256);

  return bind(Artifacts, {
    putArtifact: (request, call) => putArtifact(deps, call, request),
    shareArtifact: (request, call) => shareArtifact(deps, call, request),

    async getArtifact({ sha256, leaseId }, call) {
      const readable =
        leaseId === undefined
          ? (await findGrant(call.principal.org, sha256)) !== undefined
          : mayRead(await requireLease(deps, call.principal, leaseId), call.principal, sha256);
      const data = readable ? await deps.artifacts.read(sha256) : undefined;
      if (data === undefined) throw notFound("artifact", sha256);
      return { contentType: "application/octet-stream", data };
    },

    async statArtifact({ sha256 }, call) {
      const grant = await findGrant(call.principal.org, sha256);
      if (grant === undefined) throw notFound("artifact", sha256);
      return { artifact: artifactMessage(grant) };
    },

    async listArtifacts(request, call) {
      const { org } = call.principal;
      const after = request.cursor === undefined ? "" : decodeCursor(request.cursor, /^[0-9a-f]{64}$/);
      const limit = request.limit ?? PAGE_DEFAULT;
      const found = await listGrants(deps.db, org, { after, limit: limit + 1 }, deps.nowMs());
      const page = found.slice(0, limit);
      const last = found.length > limit ? page.at(-1) : undefined;
      const used = await findUsage(deps.db, org);
      const quota = quotaOf(deps.quota, call.principal);
      return {
        artifacts: page.map(artifactMessage),
        nextCursor: last === undefined ? undefined : encodeCursor(last.sha256),
        storedBytes: BigInt(used.bytes),
        storedObjects: BigInt(used.objects),
        storedBytesMax: BigInt(quota.bytesMax),
        storedObjectsMax: BigInt(quota.objectsMax),
      };
    },

    // Each of its steps commits by itself; what is answered is their sum.
    async collectArtifacts({ dryRun }, call) {
      const output = dryRun ? await previewPage(deps) : await collectPage(deps, call);
      return deps.authority.perform<CollectArtifactsResponse>(call, async () => ({
        kind: "nothing",
        output,
      }));
    },
  });
}

function artifactMessage(grant: Grant): Artifact {
  return {
    sha256: grant.sha256,
    bytes: BigInt(grant.bytes),
    class: grant.class,
    grantedAt: grant.grantedAtMs,
    keepUntil: grant.keepUntilMs,
  };
}
