export type { Check } from "./check.ts";
export { chooseCheck } from "./choose-check.ts";
export { readProject } from "./read-project.ts";
export { findCheckPaths } from "./find-check-paths.ts";
export { CONFIG_PATH, readBaseConfig, type BaseConfig } from "./read-base-config.ts";
