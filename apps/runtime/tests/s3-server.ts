// A server that speaks S3 and checks every signature, on this computer. It is
// installed once, under the user's cache folder and outside of the tree.

import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { AwsV4Signer } from "aws4fetch";

const VERSION = "5.2.1";
const BUCKET = "artifacts";

/** Calls that are taken before keys are asked for: those that make the user and its keys. */
const OPEN_CALLS = 3;

export type S3Server = {
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
};

/** Undefined, with the test skipped visibly, when the server is not here and cannot be fetched. */
export async function startS3Server(t: TestContext): Promise<S3Server | undefined> {
  let python: string;
  try {
    python = await installed();
  } catch (cause) {
    t.skip(`no S3 server: moto ${VERSION} is not installed (${cause instanceof Error ? cause.message : ""})`);
    return undefined;
  }
  const child = spawn(python, ["-m", "moto.server", "-H", "127.0.0.1", "-p", "0"], {
    env: { ...process.env, INITIAL_NO_AUTH_ACTION_COUNT: String(OPEN_CALLS) },
    stdio: ["ignore", "ignore", "pipe"],
  });
  t.after(() => child.kill("SIGKILL"));
  const endpoint = await new Promise<string>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the S3 server ended with ${code}`)));
    createInterface({ input: child.stderr }).on("line", (line) => {
      const found = /Running on (http:\/\/127\.0\.0\.1:\d+)/.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
  const keys = await makeKeys(endpoint);
  const server = { endpoint, bucket: BUCKET, region: "us-east-1", ...keys };
  const made = await signedFetch(server, "PUT", `/${BUCKET}`);
  if (!made.ok) throw new Error(`the bucket was not made: ${await made.text()}`);
  return server;
}

async function installed(): Promise<string> {
  const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "openagents-tests");
  const folder = join(cache, `moto-${VERSION}`);
  const python = join(folder, "bin", "python");
  if (existsSync(python)) return python;
  await mkdir(cache, { recursive: true });
  // Made beside and renamed, so that one that broke off is never taken for whole.
  const beside = await mkdtemp(join(cache, "moto-"));
  try {
    const run = promisify(execFile);
    await run("python3", ["-m", "venv", "--system-site-packages", beside]);
    await run(join(beside, "bin", "python"), ["-m", "pip", "install", "--quiet", `moto[server]==${VERSION}`]);
    await rename(beside, folder);
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
  return python;
}

/** A user that may do everything in S3, and its keys. */
async function makeKeys(endpoint: string) {
  const policy = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "s3:*", Resource: "*" }] };
  await callIam(endpoint, { Action: "CreateUser", UserName: "runtime" });
  await callIam(endpoint, {
    Action: "PutUserPolicy",
    UserName: "runtime",
    PolicyName: "s3",
    PolicyDocument: JSON.stringify(policy),
  });
  const text = await callIam(endpoint, { Action: "CreateAccessKey", UserName: "runtime" });
  const of = (name: string) => new RegExp(`<${name}>([^<]+)<`).exec(text)?.[1] ?? "";
  return { accessKeyId: of("AccessKeyId"), secretAccessKey: of("SecretAccessKey") };
}

async function callIam(endpoint: string, form: Record<string, string>): Promise<string> {
  const response = await fetch(endpoint, {
    method: "POST",
    body: new URLSearchParams({ ...form, Version: "2010-05-08" }),
    headers: {
      authorization:
        "AWS4-HMAC-SHA256 Credential=none/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=none",
    },
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${form["Action"]} failed: ${text}`);
  return text;
}

/** As any client of the bucket would, for what the store itself has no need of. */
export async function signedFetch(
  server: S3Server,
  method: string,
  path: string,
  body = "",
): Promise<Response> {
  const signed = await new AwsV4Signer({
    method,
    url: server.endpoint + path,
    headers: { "x-amz-content-sha256": createHash("sha256").update(body).digest("hex") },
    service: "s3",
    region: server.region,
    accessKeyId: server.accessKeyId,
    secretAccessKey: server.secretAccessKey,
  }).sign();
  return fetch(signed.url, { method, headers: signed.headers, ...(body === "" ? {} : { body }) });
}
