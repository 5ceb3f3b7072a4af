import { Link } from "@tanstack/react-router";

export function Brand({ to = "/home" }: { readonly to?: string }) {
  return (
    <Link to={to} className="brand">
      <img src="/icon.svg" alt="" width="22" height="22" />
      OpenAgents
    </Link>
  );
}
