// Handing bytes to the artifact store, each once in a process.

import { createHash } from "node:crypto";
import type { RuntimeClients } from "../clients.ts";

export type Uploads = {
  /** Whether this process has stored it. */
  has(sha256: string | undefined): boolean;
  /** Answers the hash. */
  put(data: Buffer): Promise<string>;
};

export function openUploads(
  artifacts: Pick<RuntimeClients["artifacts"], "putArtifact">,
  signal: AbortSignal,
): Uploads {
  const sent = new Set<string>();
  return {
    has: (sha256) => sha256 !== undefined && sent.has(sha256),
    async put(data) {
      const sha256 = createHash("sha256").update(data).digest("hex");
      if (sent.has(sha256)) return sha256;
      const content = { contentType: "application/octet-stream", data };
      await artifacts.putArtifact({ sha256, content }, { signal });
      sent.add(sha256);
      return sha256;
    },
  };
}
