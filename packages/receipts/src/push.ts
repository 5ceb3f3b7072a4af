import { sha256Hex } from "./sha256.ts";

const DOMAIN = "openagents.provider_push.v1";

/** What is signed of the body of a push to a provider. The prefix keeps it from being taken for a receipt. */
export function pushHash(body: string): string {
  return sha256Hex(`${DOMAIN}\n${body}`);
}
