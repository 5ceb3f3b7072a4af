/** Every kind of receipt: its versioned schema, and the prefix of its ids. */
export const RECEIPT_PREFIXES = {
  "openagents.runtime.run_created.v1": "runc",
  "openagents.runtime.run_cancel_requested.v1": "rcan",
  "openagents.runtime.run_forked.v1": "runf",
  "openagents.runtime.export_requested.v1": "expr",
  "openagents.runtime.forge_updated.v1": "fupd",
  "openagents.runtime.forge_skipped.v1": "fskp",
  "openagents.runtime.worker_registered.v1": "wreg",
  "openagents.runtime.worker_disabled.v1": "wdis",
  "openagents.marketplace.quote.v1": "quot",
  "openagents.marketplace.price_integrity_failed.v1": "pint",
  "openagents.marketplace.router_decision.v1": "rtdc",
  "openagents.runtime.job_dispatched.v1": "jdis",
  "openagents.runtime.job_completed.v1": "jcmp",
  "openagents.runtime.job_canceled.v1": "jcan",
  "openagents.runtime.fallback_provider_used.v1": "fbpu",
  "openagents.runtime.buyer_blocked.v1": "bblk",
  "openagents.runtime.buyer_unblocked.v1": "bunb",
  "openagents.runtime.second_opinion.v1": "sopn",
  "openagents.runtime.verification.v2": "vrfy",
  "openagents.runtime.review.v1": "rvw",
  "openagents.marketplace.panel_quoted.v1": "pnlq",
  "openagents.runtime.panel_decided.v1": "pnld",
  "openagents.runtime.sampling_seed_opened.v1": "sdop",
  "openagents.runtime.sampling_seed_revealed.v1": "sdrv",
  "openagents.runtime.worker_struck.v1": "wstr",
  "openagents.runtime.artifact_shared.v1": "ashr",
  "openagents.runtime.worker_reinstated.v1": "wrei",
  "openagents.fraud.incident.v1": "frin",
  "openagents.fraud.incident_decided.v1": "frdc",
  "openagents.treasury.budget_reserved.v1": "bres",
  "openagents.treasury.reservation_voided.v1": "rvod",
  "openagents.treasury.payment_receipt.v2": "pay",
  "openagents.treasury.demo_grant.v1": "dgrt",
  "openagents.treasury.spend_refused.v1": "sref",
  "openagents.treasury.budget_set.v1": "bset",
  "openagents.treasury.budget_removed.v1": "brem",
  "openagents.treasury.reservation_expired.v1": "rexp",
  "openagents.treasury.reconciled.v1": "recn",
  "openagents.authority.mode_changed.v1": "mode",
  "openagents.sync.stream_head.v1": "shed",
  "openagents.comms.delivery_event.v1": "cdev",
  "openagents.control.access_revoked.v1": "cacr",
  "openagents.control.device_enrolled.v1": "denr",
  "openagents.control.device_disabled.v1": "ddis",
  "openagents.control.device_enabled.v1": "dena",
  "openagents.control.device_revoked.v1": "drev",
  "openagents.control.api_key_created.v1": "akcr",
  "openagents.control.api_key_revoked.v1": "akrv",
  "openagents.control.role_changed.v1": "rolc",
  "openagents.control.member_removed.v1": "mrem",
  "openagents.control.member_added.v1": "madd",
  "openagents.control.org_created.v1": "orgc",
  "openagents.control.invitation_made.v1": "invm",
  "openagents.control.account_deleted.v1": "adel",
  "openagents.control.maintenance_changed.v1": "mnt",
  "openagents.control.autopilot_policy_set.v1": "aps",
  "openagents.control.spend_reserved.v1": "aspr",
  "openagents.control.spend_refused.v1": "aspx",
  "openagents.control.spend_ended.v1": "aspe",
  "openagents.control.tool_executed.v1": "txex",
  "openagents.control.tool_refused.v1": "txrf",
  "openagents.control.shout_removed.v1": "shrm",
  "openagents.control.integration_connected.v1": "intc",
  "openagents.control.integration_disconnected.v1": "intd",
  "openagents.control.approval_decided.v1": "apvd",
  "openagents.control.mail_draft_decided.v1": "mdrd",
  "openagents.control.mail_sent.v1": "mlsn",
  "openagents.control.skill_published.v1": "sklp",
  "openagents.receipt.v2": "run",
  "openagents.runtime.bundle.v1": "bndl",
} as const;

export type ReceiptSchema = keyof typeof RECEIPT_PREFIXES;

export function isReceiptSchema(schema: string): schema is ReceiptSchema {
  return Object.hasOwn(RECEIPT_PREFIXES, schema);
}

const SCHEMAS_BY_PREFIX: ReadonlyMap<string, string> = new Map(
  Object.entries(RECEIPT_PREFIXES).map(([schema, prefix]) => [prefix, schema]),
);

/** The service that keeps a receipt: rights, devices, approvals and tools are control's, work and money the runtime's. */
export function keeperOf(receiptId: string): "control" | "runtime" {
  const [prefix = ""] = receiptId.split("_", 1);
  const schema = SCHEMAS_BY_PREFIX.get(prefix);
  return schema?.startsWith("openagents.control.") === true ? "control" : "runtime";
}
