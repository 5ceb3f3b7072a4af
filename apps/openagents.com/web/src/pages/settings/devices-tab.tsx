import { Devices } from "@openagents/contracts";
import { sentence } from "@openagents/ui";
import { Badge, Command, Empty, Id, Time } from "@openagents/ui/react";
import { Link } from "@tanstack/react-router";
import { client } from "../../api.ts";
import { queries } from "../../queries.ts";
import { CommandButton } from "../../shell/command-button.tsx";
import { Panel } from "../../shell/page.tsx";
import { Read } from "../../shell/read.tsx";
import { useDevices, type DeviceSeen } from "../devices-reads.ts";

const changed = () => void queries.invalidateQueries({ queryKey: ["devices"] });

/** Computers that act for you by a key of their own. */
export function DevicesTab() {
  const devices = useDevices();
  return (
    <Panel title="Devices that act for you">
      <Read of={devices}>
        {(all) =>
          all.length === 0 ? (
            <Empty title="No device is enrolled" action={<Command>./openagents device run</Command>}>
              Run this on a computer of yours. It makes a key that never leaves it, and shows a code that you{" "}
              <Link to="/device">enter here</Link>.
            </Empty>
          ) : (
            <ul className="money-way">
              {all.map((seen) => (
                <DeviceRow key={seen.device.deviceId} seen={seen} />
              ))}
            </ul>
          )
        }
      </Read>
    </Panel>
  );
}

/** One word for how a device is. */
function stateOf({ device: { status }, connected }: DeviceSeen): string {
  if (status !== "enrolled") return status;
  return connected ? "connected" : "not_connected";
}

function DeviceRow({ seen }: { readonly seen: DeviceSeen }) {
  const { device, adapter, lastSeenAt, connected } = seen;
  const { deviceId, name, status } = device;
  return (
    <li>
      <span>
        <strong>{name}</strong> <span className="quiet">{device.platform}</span> <Id id={deviceId} />{" "}
        <Badge word={stateOf(seen)} />
        <br />
        <span className="quiet">
          {adapter === undefined ? null : `${sentence(adapter)} agent, `}
          enrolled <Time atMs={device.enrolledAt} />
          {connected ? null : lastSeenAt === undefined ? (
            ", never seen since"
          ) : (
            <>
              , last seen <Time atMs={lastSeenAt} />
            </>
          )}
        </span>
      </span>
      <span className="row">
        {status === "disabled" ? (
          <CommandButton
            label="Enable"
            title={`Enable ${name}?`}
            explanation="It may act for you again as soon as it asks for a token."
            confirm="Enable it"
            run={(_text, idempotencyKey) => client(Devices).enableDevice({ deviceId }, { idempotencyKey })}
            done={changed}
          />
        ) : (
          <CommandButton
            label="Disable"
            title={`Disable ${name}?`}
            explanation="Its tokens stop working within five seconds, runs that it carries out are canceled, and jobs that it holds are called off. You can enable it again."
            confirm="Disable it now"
            danger
            disabledBecause={status === "enrolled" ? undefined : "It is revoked for good."}
            run={(_text, idempotencyKey) => client(Devices).disableDevice({ deviceId }, { idempotencyKey })}
            done={changed}
          />
        )}
        <CommandButton
          label="Revoke"
          title={`Revoke ${name} for good?`}
          explanation="Its key is never accepted again. Other devices go on."
          confirm="Revoke it"
          danger
          disabledBecause={status === "revoked" ? "It is revoked already." : undefined}
          run={(_text, idempotencyKey) => client(Devices).revokeDevice({ deviceId }, { idempotencyKey })}
          done={changed}
        />
      </span>
    </li>
  );
}
