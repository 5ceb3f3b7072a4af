export {
  runProvider,
  type ProviderClients,
  type ProviderEnd,
  type ProviderEvent,
  type ProviderOptions,
} from "./run-provider.ts";
