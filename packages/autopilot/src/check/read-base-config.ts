// What the base says about its own checks, in `.openagents/config.json`.

import {
  CHECK_CONFIG_BYTES_MAX,
  parseCheckConfig,
  tooLargeConfig,
  type CheckConfig,
} from "@openagents/proof";
import { AutopilotError } from "../autopilot-error.ts";
import { readBaseFile, type Base } from "../git/index.ts";

export const CONFIG_PATH = ".openagents/config.json";

/** The bytes are those of the file, since jobs name it by its hash. */
export type BaseConfig = { readonly bytes: Buffer; readonly config: CheckConfig };

/** Undefined when the base has none. Throws `CheckConfigError`, which names the size when that is it. */
export async function readBaseConfig(base: Base, signal?: AbortSignal): Promise<BaseConfig | undefined> {
  const bytes = await readBaseFile(base, CONFIG_PATH, CHECK_CONFIG_BYTES_MAX, signal).catch(
    (cause: unknown) => {
      if (cause instanceof AutopilotError && cause.code === "git_output_too_large") throw tooLargeConfig();
      throw cause;
    },
  );
  return bytes === undefined ? undefined : { bytes, config: parseCheckConfig(bytes.toString("utf8")) };
}
