export {
  runProvider,
  type ProviderClients,
  type ProviderEnd,
  type ProviderEvent,
  type ProviderOptions,
} from "./run-provider.ts";
export type { LegRunner } from "./do-job.ts";
export type { InstalledToolchain } from "./toolchains.ts";
