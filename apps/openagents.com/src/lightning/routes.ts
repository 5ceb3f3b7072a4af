// Payments and L402 where no wallet is connected: every route says so, and what
// to do. Nothing is ever made up in place of a payment.

import { AgentPayments, L402, Payments, ProblemError, bind, type Binding } from "@openagents/contracts";

export function lightningRoutes(): Binding[] {
  return [
    bind(AgentPayments, {
      getAgentWallet: notConfigured,
      ensureAgentWallet: notConfigured,
      getAgentBalance: notConfigured,
      createAgentInvoice: notConfigured,
      payAgentInvoice: notConfigured,
    }),
    bind(Payments, { listPayments: notConfigured, getPayment: notConfigured }),
    bind(L402, {
      getL402Wallet: notConfigured,
      listL402Transactions: notConfigured,
      getL402Transaction: notConfigured,
      listPaywalls: notConfigured,
      createPaywall: notConfigured,
      updatePaywall: notConfigured,
      deletePaywall: notConfigured,
      listL402Settlements: notConfigured,
      listL402Deployments: notConfigured,
    }),
  ];
}

async function notConfigured(): Promise<never> {
  throw new ProblemError({
    status: 503,
    code: "lightning_not_configured",
    title: "Lightning is not configured",
    detail:
      "This installation has no Lightning wallet, so nothing can be paid, received or sold over it. Connect the wallet executor, and call again.",
    retryAfterMs: 60_000,
  });
}
