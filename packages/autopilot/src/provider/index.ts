export {
  runProvider,
  type ListenOptions,
  type ProviderClients,
  type ProviderEnd,
  type ProviderEvent,
  type ProviderOptions,
} from "./run-provider.ts";
