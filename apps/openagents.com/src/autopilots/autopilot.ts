// An autopilot: whose it is, how it behaves, and what it may do.

import type {
  Autopilot as AutopilotMessage,
  AutopilotPolicy as PolicyMessage,
  AutopilotStatus,
  AutopilotVisibility,
  JsonObject,
} from "@openagents/contracts";

/** The one that is enforced: whoever runs a tool reads it from here, and from nowhere else. */
export type AutopilotPolicy = {
  readonly toolsAllowed: readonly string[];
  readonly toolsDenied: readonly string[];
  /** Undefined: nothing may be spent. */
  readonly spendPerCallMsatsMax: bigint | undefined;
  readonly spendPerDayMsatsMax: bigint | undefined;
  readonly spendPerMonthMsatsMax: bigint | undefined;
  /** Undefined: whatever costs something waits for a person. */
  readonly approvalOverMsats: bigint | undefined;
  readonly writesWithoutApproval: boolean;
  readonly hostsAllowed: readonly string[];
  readonly fallbackOrder: readonly string[];
};

export type AutopilotProfile = {
  readonly ownerDisplayName: string;
  readonly personaSummary: string;
  readonly voice: string;
  readonly principles: readonly string[];
  readonly preferences: JsonObject;
};

export type Autopilot = {
  readonly autopilotId: string;
  readonly org: string;
  readonly owner: string;
  readonly handle: string;
  readonly displayName: string;
  readonly tagline: string;
  readonly status: AutopilotStatus;
  readonly visibility: AutopilotVisibility;
  readonly configVersion: bigint;
  readonly profile: AutopilotProfile;
  readonly policy: AutopilotPolicy;
  readonly workerId: string | undefined;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
};

/** What an autopilot may do that nobody said anything for: look, and spend nothing. */
export const CAUTIOUS_POLICY: AutopilotPolicy = {
  toolsAllowed: [],
  toolsDenied: [],
  spendPerCallMsatsMax: undefined,
  spendPerDayMsatsMax: undefined,
  spendPerMonthMsatsMax: undefined,
  approvalOverMsats: undefined,
  writesWithoutApproval: false,
  hostsAllowed: [],
  fallbackOrder: [],
};

export const PLAIN_PROFILE: AutopilotProfile = {
  ownerDisplayName: "",
  personaSummary: "",
  voice: "",
  principles: [],
  preferences: {},
};

export function policyOf(message: PolicyMessage | undefined): AutopilotPolicy {
  if (message === undefined) return CAUTIOUS_POLICY;
  return {
    toolsAllowed: message.toolsAllowed,
    toolsDenied: message.toolsDenied,
    spendPerCallMsatsMax: message.spendPerCallMsatsMax,
    spendPerDayMsatsMax: message.spendPerDayMsatsMax,
    spendPerMonthMsatsMax: message.spendPerMonthMsatsMax,
    approvalOverMsats: message.approvalOverMsats,
    writesWithoutApproval: message.writesWithoutApproval,
    hostsAllowed: message.hostsAllowed,
    fallbackOrder: message.fallbackOrder,
  };
}

/** The facts of a policy, as its receipt has them. */
export function policyFacts(policy: AutopilotPolicy): JsonObject {
  const limit = (name: string, value: bigint | undefined): JsonObject =>
    value === undefined ? {} : { [name]: Number(value) };
  return {
    tools_allowed: [...policy.toolsAllowed],
    tools_denied: [...policy.toolsDenied],
    ...limit("spend_per_call_msats_max", policy.spendPerCallMsatsMax),
    ...limit("spend_per_day_msats_max", policy.spendPerDayMsatsMax),
    ...limit("spend_per_month_msats_max", policy.spendPerMonthMsatsMax),
    ...limit("approval_over_msats", policy.approvalOverMsats),
    writes_without_approval: policy.writesWithoutApproval,
    hosts_allowed: [...policy.hostsAllowed],
    fallback_order: [...policy.fallbackOrder],
  };
}

/** A handle of a display name: its letters and digits, with dashes between. */
export function handleOf(displayName: string): string {
  const slug = displayName
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 48);
  return slug === "" ? "autopilot" : slug.replace(/-+$/, "");
}

export function autopilotMessage(autopilot: Autopilot): AutopilotMessage {
  const { org: _org, createdAtMs, updatedAtMs, ...rest } = autopilot;
  return { ...rest, createdAt: createdAtMs, updatedAt: updatedAtMs };
}
