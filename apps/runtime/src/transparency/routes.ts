import type { Authority } from "@openagents/authority";
import {
  ProblemError,
  TransparencyLog,
  bind,
  type AppendHashesResponse,
  type Binding,
  type HttpBody,
} from "@openagents/contracts";
import { parseCheckpoint } from "@openagents/receipts";
import type { PublishedLog } from "./published.ts";
import { insertHandovers } from "./store.ts";

export type TransparencyDeps = { readonly authority: Authority; readonly published: PublishedLog };

/** A tile never changes: a wider one has another name. */
const FOR_EVER = "public, max-age=31536000, immutable";
const A_MOMENT = "public, max-age=1";

export function transparencyRoutes({ authority, published }: TransparencyDeps): Binding {
  return bind(TransparencyLog, {
    async getLogCheckpoint(): Promise<HttpBody> {
      return {
        contentType: "text/plain; charset=utf-8",
        data: Buffer.from(await published.checkpoint()),
        cacheControl: A_MOMENT,
      };
    },

    async getTile({ path }): Promise<HttpBody> {
      const data = await published.tile(path);
      if (data === undefined) throw tileNotFound(path);
      return { contentType: "application/octet-stream", data, cacheControl: FOR_EVER };
    },

    async getLog() {
      const { size } = parseCheckpoint(await published.checkpoint());
      return { origin: published.origin, logKey: published.logKey, size: BigInt(size) };
    },

    async getLogInclusion({ hash }) {
      const inclusion = await published.inclusionOf(hash);
      if (inclusion === undefined) throw hashNotLogged();
      return inclusion;
    },

    appendHashes({ hashes }, call) {
      return authority.perform<AppendHashesResponse>(call, async (command) => {
        const bytes = hashes.map((hash) => Buffer.from(hash, "hex"));
        const added = await insertHandovers(command.tx, bytes, call.principal.id, command.nowMs());
        const output = { added: BigInt(added) };
        return added === 0 ? { kind: "nothing", output } : { kind: "answer", output, writes: [] };
      });
    },
  });
}

function hashNotLogged(): ProblemError {
  return new ProblemError({
    status: 404,
    code: "hash_not_logged",
    detail: "The log has no such hash. What was committed a moment ago enters it within a second: ask again.",
  });
}

function tileNotFound(path: string): ProblemError {
  return new ProblemError({
    status: 404,
    code: "tile_not_found",
    detail: `The log has no tile ${path}. Ask for those that the size of /log/checkpoint gives it.`,
  });
}
