import type { JsonObject } from "@openagents/receipts";
import { objectOf, objectsOf, textOf } from "./json-view.ts";

/** The hashes of the outputs that a verification receipt names, each once, in order. */
export function outputsNamed(verification: JsonObject): readonly string[] {
  const commands = objectsOf(objectOf(verification, "result"), "legs").flatMap((leg) =>
    objectsOf(leg, "commands"),
  );
  const hashes = commands.flatMap((command) => [
    textOf(command, "stdout_sha256"),
    textOf(command, "stderr_sha256"),
  ]);
  return [...new Set(hashes)].filter((sha256) => sha256 !== "").toSorted();
}
