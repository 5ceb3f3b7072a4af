import { Maintenance } from "@openagents/contracts";
import { Badge, Time } from "@openagents/ui/react";
import { client, useRead } from "../api.ts";
import { queries } from "../queries.ts";
import { CommandButton } from "../shell/command-button.tsx";
import { Panel } from "../shell/page.tsx";
import { Read } from "../shell/read.tsx";

/** Begins and ends the maintenance of the control service. */
export function MaintenancePanel() {
  const maintenance = useRead(["maintenance"], (signal) =>
    client(Maintenance).getMaintenance({}, { signal }),
  );
  return (
    <Panel title="Maintenance">
      <Read of={maintenance} lines={2}>
        {({ active, reason, since }) => (
          <div className="oa-body row">
            <Badge word={active ? "maintenance" : "active"} />
            <span className="quiet">
              {since === undefined ? (
                "Accounts, organisations, threads and tools take commands."
              ) : (
                <>
                  since <Time atMs={since} />
                  {reason === "" ? "" : `: ${reason}`}
                </>
              )}
            </span>
            <CommandButton
              label={active ? "End the maintenance" : "Begin maintenance"}
              title={active ? "End the maintenance?" : "Begin maintenance?"}
              explanation={
                active
                  ? "Commands are taken again at once."
                  : "Commands on accounts, organisations, threads and tools are refused with 503. Reading goes on, signing in too, and rights can still be taken away. Runs and payments have a freeze of their own."
              }
              ask="What people are told"
              confirm={active ? "End it" : "Begin now"}
              danger={!active}
              run={(text, idempotencyKey) =>
                client(Maintenance).setMaintenance({ active: !active, reason: text }, { idempotencyKey })
              }
              done={() => void queries.invalidateQueries({ queryKey: ["maintenance"] })}
            />
          </div>
        )}
      </Read>
    </Panel>
  );
}
