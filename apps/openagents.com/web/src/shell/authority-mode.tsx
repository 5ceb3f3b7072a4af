import { Maintenance, Operations } from "@openagents/contracts";
import { client, useRead } from "../api.ts";
import { useSignedIn } from "../session/use-session.ts";

/** Says on every page that writes are frozen, so that a refused command is no surprise. */
export function AuthorityModeReads() {
  const { scopes } = useSignedIn();
  const { data } = useRead(
    ["authority-mode"],
    (signal) => client(Operations).getAuthorityMode({}, { signal }),
    { everyMs: 30_000, enabled: scopes.has("authority:read") },
  );
  if (data?.mode !== "read_only") return null;
  return (
    <div className="frozen" role="status">
      <strong>Writes are frozen.</strong> {data.reason === "" ? "An operator froze them." : data.reason}{" "}
      Reading goes on; commands are refused until an operator ends it.
    </div>
  );
}

/** Says on every page, signed in or not, that nothing changes here for a while. */
export function MaintenanceBanner() {
  const { data } = useRead(["maintenance"], (signal) => client(Maintenance).getMaintenance({}, { signal }), {
    everyMs: 30_000,
  });
  if (data?.active !== true) return null;
  return (
    <div className="frozen" role="status">
      <strong>Under maintenance.</strong> {data.reason === "" ? "" : `${data.reason}. `}
      Reading goes on; commands are refused until it is over, and nothing of them is done.
    </div>
  );
}
