import { Devices, type Device } from "@openagents/contracts";
import { Badge, Empty, Id, Time } from "@openagents/ui/react";
import { Link } from "@tanstack/react-router";
import { client, useRead } from "../../api.ts";
import { queries } from "../../queries.ts";
import { CommandButton } from "../../shell/command-button.tsx";
import { Panel } from "../../shell/page.tsx";
import { Read } from "../../shell/read.tsx";

const changed = () => void queries.invalidateQueries({ queryKey: ["devices"] });

/** Computers that act for you by a key of their own. */
export function DevicesTab() {
  const devices = useRead(["devices"], (signal) => client(Devices).listDevices({ limit: 100 }, { signal }), {
    everyMs: 15_000,
  });
  return (
    <Panel title="Devices that act for you">
      <Read of={devices}>
        {({ devices: all }) =>
          all.length === 0 ? (
            <Empty title="No device is enrolled" action={<Link to="/device">Enter a device’s code</Link>}>
              A device proves itself by a key that it made and never gives away. Enrol one with this command
              on it.
            </Empty>
          ) : (
            <ul className="money-way">
              {all.map((device) => (
                <DeviceRow key={device.deviceId} device={device} />
              ))}
            </ul>
          )
        }
      </Read>
    </Panel>
  );
}

function DeviceRow({ device }: { readonly device: Device }) {
  const { deviceId, name, status } = device;
  return (
    <li>
      <span>
        <strong>{name}</strong> <span className="quiet">{device.platform}</span> <Id id={deviceId} />{" "}
        <Badge word={status === "enrolled" ? "active" : status} />
        <br />
        <span className="quiet">
          enrolled <Time atMs={device.enrolledAt} />
          {device.lastSeenAt === undefined ? ", never seen since" : null}
          {device.lastSeenAt === undefined ? null : (
            <>
              , seen <Time atMs={device.lastSeenAt} />
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
            explanation="Everything it holds stops working within five seconds. You can enable it again."
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
