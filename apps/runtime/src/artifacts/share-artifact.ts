import type {
  CommandCall,
  CommandReply,
  ShareArtifactRequest,
  ShareArtifactResponse,
} from "@openagents/contracts";
import { invalidField, notFound } from "@openagents/service";
import { mayShareArtifacts } from "../zones/index.ts";
import { lockArtifact } from "./blobs.ts";
import type { ArtifactsDeps } from "./deps.ts";
import { lockGrant, upsertShare } from "./grants.ts";

/** In order of precedence: `zone_not_allowed`, `shared_by_another`. */
export function shareArtifact(
  deps: Pick<ArtifactsDeps, "authority">,
  call: CommandCall,
  request: ShareArtifactRequest,
): Promise<CommandReply> {
  return deps.authority.execute<ShareArtifactResponse>(call, request, async (command) => {
    const { org } = call.principal;
    const { sha256 } = request;
    if (request.org === org) {
      throw invalidField("org", "own_org", "An organisation shares with others; this is its own.");
    }
    await lockArtifact(command.tx, sha256);
    const own = await lockGrant(command.tx, org, sha256);
    const nowMs = command.nowMs();
    if (own === undefined || (own.class === "shared" && own.keepUntilMs <= nowMs)) {
      throw notFound("artifact", sha256);
    }
    if (!mayShareArtifacts(call.principal)) {
      return {
        kind: "refused",
        rule: "policy",
        reason: "zone_not_allowed",
        detail: "Only an enrolled device or the operator shares artifacts. Enrol this one, then ask again.",
      };
    }
    if (own.class === "shared") {
      return {
        kind: "refused",
        rule: "policy",
        reason: "shared_by_another",
        detail: "Another organisation shares this artifact with yours; only that one shares it with more.",
      };
    }
    const expiresAtMs = nowMs + Number(request.expiresInMs);
    const receipt = command.seal(
      "openagents.runtime.artifact_shared.v1",
      sha256,
      { sha256, bytes: own.bytes, org: request.org, expires_at: new Date(expiresAtMs).toISOString() },
      nowMs,
    );
    const grant = {
      org: request.org,
      sha256,
      bytes: own.bytes,
      grantedAtMs: nowMs,
      keepUntilMs: expiresAtMs,
    };
    return {
      kind: "answer",
      output: { sha256, org: request.org, expiresAt: expiresAtMs, receiptId: receipt.receipt_id },
      writes: [upsertShare(grant, org)],
    };
  });
}
