// Which bytes of a run a bundle carries by their hash: what each verification
// names of both runs, the inputs of earlier attempts, and the last one's layers.

import type { JsonObject } from "@openagents/receipts";
import { objectOf, objectsOf, textOf, textsOf } from "./json-view.ts";
import type { Attempt } from "./story.ts";

/** Layers of more than this together are named by hash only. */
export const LAYERS_BYTES_MAX = 64 * 1024 * 1024;

export type NamedArtifacts = {
  /** Outputs and reports; one that was never stored is missing, and the verdict says so. */
  readonly outputs: readonly string[];
  /** Patch and base of earlier attempts, where they are not the last one's. */
  readonly inputs: readonly string[];
  /** Of the last attempt; may be left out. */
  readonly layers: readonly string[];
};

/** Each hash once, sorted. */
export function artifactsNamed(attempts: readonly Attempt[]): NamedArtifacts {
  const last = attempts.at(-1);
  const inputsOf = ({ dispatch }: Attempt) => {
    const spec = objectOf(dispatch, "spec");
    return [textOf(spec, "patch_sha256"), textOf(spec, "base_bundle_sha256")];
  };
  const own = new Set(last === undefined ? [] : inputsOf(last));
  return {
    outputs: unique(attempts.flatMap(({ verification }) => outputsOf(verification ?? {}))),
    inputs: unique(attempts.flatMap(inputsOf)).filter((sha256) => !own.has(sha256)),
    layers: unique(objectsOf(specOf(last), "layers").map((layer) => textOf(layer, "sha256"))),
  };
}

/** Outputs that were not stored when the results were judged, and were thrown out for it. */
export function outputsMissing(attempts: readonly Attempt[]): ReadonlySet<string> {
  const words = attempts.flatMap(({ verification = {} }) => [
    ...textsOf(verification, "violations"),
    // What a second report broke is told in words only.
    ...(verification["disagreement"] === true ? [textOf(verification, "because")] : []),
  ]);
  return new Set(words.flatMap((text) => text.match(/(?<=output_missing:)[0-9a-f]{64}/g) ?? []));
}

function outputsOf(verification: JsonObject): readonly string[] {
  const legs = ["result", "second_result"].flatMap((name) => objectsOf(objectOf(verification, name), "legs"));
  return legs.flatMap((leg) => [
    textOf(leg, "report_sha256"),
    ...objectsOf(leg, "commands").flatMap((command) => [
      textOf(command, "stdout_sha256"),
      textOf(command, "stderr_sha256"),
    ]),
  ]);
}

function specOf(attempt: Attempt | undefined): JsonObject {
  return objectOf(attempt?.dispatch ?? {}, "spec");
}

function unique(hashes: readonly string[]): readonly string[] {
  return [...new Set(hashes)].filter((sha256) => sha256 !== "").toSorted();
}
