import { ApprovalCard, useApprovals } from "./inbox.tsx";

/** What the agent waits for is decided where it is talked to. */
export function PendingApprovals() {
  const approvals = useApprovals("pending");
  return (approvals.data?.approvals ?? []).map((approval) => (
    <ApprovalCard key={approval.approvalId} approval={approval} />
  ));
}
