// Bytes in a bucket that speaks S3. One PUT carries a whole artifact, since none is
// larger than a body may be, so that an object is there whole or not at all. The
// PUT is signed with the bytes' own hash, by which a server refuses other bytes; what
// is read is hashed again in any case. The keys are in the signer alone and in no error.

import { createReadStream } from "node:fs";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { pipeline } from "node:stream/promises";
import { ProblemError } from "@openagents/contracts";
import { AwsV4Signer } from "aws4fetch";
import type { Arrived, BlobStore } from "./blob-store.ts";

export type S3Settings = {
  /** Such as `https://s3.eu-central-1.amazonaws.com`. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  /** Before every name, such as `artifacts/`; empty for none. */
  readonly prefix: string;
};

/** A server that says nothing for so long is not there. */
const SILENT_MS_MAX = 30_000;

const EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/** Keep bytes as objects of a bucket, which must exist. */
export function s3Store(settings: S3Settings): BlobStore {
  const send = (method: string, blob: string, arrived?: Arrived) =>
    sendSigned(settings, method, blob, arrived);
  return {
    async put(blob, arrived) {
      await drain(await expect(await send("PUT", blob, arrived), "PUT", [200]));
    },
    async get(blob) {
      const response = await expect(await send("GET", blob), "GET", [200, 404]);
      if (response.statusCode === 200) return response;
      await drain(response);
      return undefined;
    },
    async stat(blob) {
      const response = await expect(await send("HEAD", blob), "HEAD", [200, 404]);
      await drain(response);
      return response.statusCode === 200 ? Number(response.headers["content-length"]) : undefined;
    },
    async delete(blob) {
      await drain(await expect(await send("DELETE", blob), "DELETE", [200, 204, 404]));
    },
  };
}

async function sendSigned(
  settings: S3Settings,
  method: string,
  blob: string,
  arrived: Arrived | undefined,
): Promise<IncomingMessage> {
  const { endpoint, bucket, region, accessKeyId, secretAccessKey, sessionToken, prefix } = settings;
  const signed = await new AwsV4Signer({
    method,
    url: `${endpoint}/${bucket}/${prefix}${blob}`,
    headers: {
      "x-amz-content-sha256": arrived?.sha256 ?? EMPTY_SHA256,
      // No name is used twice; were it, what is there would stay.
      ...(arrived === undefined ? {} : { "if-none-match": "*" }),
    },
    service: "s3",
    region,
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === undefined ? {} : { sessionToken }),
  }).sign();
  const headers = {
    ...Object.fromEntries(signed.headers),
    ...(arrived === undefined ? {} : { "content-length": String(arrived.bytes) }),
  };
  const request = signed.url.protocol === "https:" ? httpsRequest : httpRequest;
  const sent = request(signed.url, { method, headers, timeout: SILENT_MS_MAX });
  sent.on("timeout", () => sent.destroy(new Error("the object store is silent")));
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    sent.once("response", resolve);
    sent.on("error", reject);
  });
  try {
    if (arrived === undefined) sent.end();
    // An answer may come before the body's end: a refusal, which is then what counts.
    else pipeline(createReadStream(arrived.path), sent).catch((error: Error) => sent.destroy(error));
    return await answered;
  } catch (cause) {
    throw unavailable(method, "does not answer", cause);
  }
}

async function expect(
  response: IncomingMessage,
  method: string,
  statuses: readonly number[],
): Promise<IncomingMessage> {
  const status = response.statusCode ?? 0;
  if (statuses.includes(status)) return response;
  await drain(response);
  throw unavailable(method, `answered ${status}`);
}

/** Read to the end, so that the connection serves again. */
async function drain(response: IncomingMessage): Promise<void> {
  for await (const chunk of response) void chunk;
}

function unavailable(method: string, what: string, cause?: unknown): ProblemError {
  return new ProblemError({
    status: 503,
    code: "artifact_store_unavailable",
    detail: `The object store ${what} (${method}). Nothing was stored or lost. Send the request again shortly.`,
    retryAfterMs: 1_000,
    cause,
  });
}
