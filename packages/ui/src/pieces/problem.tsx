import type { ReactNode } from "react";

type Shown = { readonly title: string; readonly detail: string; readonly fine: string };

/** An error as the service told it, with its code, and a way on. */
export function Problem({ error, action }: { readonly error: unknown; readonly action?: ReactNode }) {
  const { title, detail, fine } = shownOf(error);
  return (
    <div className="oa-problem" role="alert">
      <strong>{title}</strong>
      <p>{detail}</p>
      {fine === "" ? null : <p className="oa-fine oa-mono">{fine}</p>}
      {action === undefined ? null : <div>{action}</div>}
    </div>
  );
}

function shownOf(error: unknown): Shown {
  if (!(error instanceof Error)) return { title: "It did not work", detail: String(error), fine: "" };
  const status = "status" in error && typeof error.status === "number" ? error.status : undefined;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const request = "requestId" in error && typeof error.requestId === "string" ? error.requestId : "";
  return {
    title: titleOf(status, code),
    detail: error.message,
    fine: [code, request].filter((part) => part !== "").join(" · "),
  };
}

function titleOf(status: number | undefined, code: string): string {
  if (code === "unreachable") return "The service does not answer";
  if (code === "writes_frozen") return "Writes are frozen";
  if (code === "maintenance") return "Under maintenance";
  switch (status) {
    case 401:
      return "You are signed out";
    case 402:
      return "Not enough money";
    case 403:
      return "You may not do this";
    case 404:
      return "It is not there";
    case 409:
      return "Not in this state";
    case 429:
      return "Too many requests";
    case undefined:
      return "It did not work";
    default:
      return status >= 500 ? "The service has a problem" : "It did not work";
  }
}
