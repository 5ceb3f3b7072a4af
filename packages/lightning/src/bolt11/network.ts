/** Currency prefix after `ln`, by network. `simnet` is the private chain of btcd and lnd. */
export const NETWORK_PREFIXES = {
  mainnet: "bc",
  testnet: "tb",
  signet: "tbs",
  regtest: "bcrt",
  simnet: "sb",
} as const;

export type Network = keyof typeof NETWORK_PREFIXES;
