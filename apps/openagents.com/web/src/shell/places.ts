// The places of the console, in the order of the navigation. One that cannot be
// visited is shown all the same, with the reason.

import type { IconName } from "./icon.tsx";

export type Place = {
  readonly label: string;
  readonly to: string;
  readonly icon: IconName;
  readonly scope?: string;
  /** Why nobody can go there yet. */
  readonly closed?: string;
};

export const PLACES: readonly { readonly group: string; readonly places: readonly Place[] }[] = [
  {
    group: "Work",
    places: [
      { label: "Home", to: "/home", icon: "home" },
      { label: "Runs", to: "/runs", icon: "runs" },
      { label: "Chat", to: "/chat", icon: "chat" },
      { label: "Autopilots", to: "/autopilots", icon: "autopilot" },
      { label: "Skills", to: "/skills", icon: "skills" },
      {
        label: "Inbox",
        to: "/inbox",
        icon: "inbox",
      },
      {
        label: "Feed",
        to: "/feed",
        icon: "feed",
      },
    ],
  },
  {
    group: "Market",
    places: [
      { label: "Fleet", to: "/fleet", icon: "fleet" },
      { label: "Compute", to: "/compute", icon: "compute" },
    ],
  },
  {
    group: "Money",
    places: [
      {
        label: "Wallet",
        to: "/wallet",
        icon: "wallet",
        closed: "Needs the wallet executor, which this version does not have.",
      },
      {
        label: "L402",
        to: "/l402",
        icon: "gate",
        closed: "Needs the L402 gateway, which this version does not have.",
      },
      { label: "Hydra", to: "/hydra", icon: "pool", closed: "Liquidity pools are not in this version." },
      { label: "Aegis", to: "/aegis", icon: "shield", closed: "Warranties are not in this version." },
    ],
  },
  {
    group: "Proof",
    places: [
      { label: "Receipts", to: "/receipts", icon: "receipts" },
      { label: "Stats", to: "/stats", icon: "stats" },
    ],
  },
  {
    group: "Installation",
    places: [
      { label: "Admin", to: "/admin", icon: "admin", scope: "admin" },
      { label: "Settings", to: "/settings", icon: "settings" },
    ],
  },
];
