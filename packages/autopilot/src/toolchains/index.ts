export { declareToolchain, findToolchains } from "./find-toolchains.ts";
export { toolchainEnv } from "./toolchain-env.ts";
export { matchToolchains, mountsOf, type InstalledToolchain } from "./toolchains.ts";
