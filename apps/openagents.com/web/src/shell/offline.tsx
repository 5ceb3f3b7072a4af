import { Button } from "@mantine/core";
import { Time } from "@openagents/ui/react";
import { useEffect, useSyncExternalStore } from "react";
import { reach } from "../live/reach.ts";
import { Brand } from "./brand.tsx";

/** A service comes back without the network of this device having changed. */
const LOOK_EVERY_MS = 3_000;

/** In place of a page that cannot be read: what is so, and nothing that looks like more. */
export function Offline() {
  const { lastSeenAtMs } = reach.state;
  useEffect(() => {
    document.title = "Not connected · OpenAgents";
    const look = async () => {
      const answer = await fetch("/healthz", { cache: "no-store" }).catch(() => undefined);
      if (answer?.ok === true) location.reload();
    };
    const timer = setInterval(() => void look(), LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <main className="gate">
      <div className="gate-card">
        <Brand to="/" />
        <h1>Not connected</h1>
        <p>
          {navigator.onLine
            ? "The control service gives no answer. It may be stopped, or on its way up again."
            : "This device has no network."}{" "}
          {lastSeenAtMs === undefined ? (
            "It was not seen from this browser before."
          ) : (
            <>
              Last seen <Time atMs={lastSeenAtMs} />.
            </>
          )}
        </p>
        <p className="reason">
          Nothing is shown from memory: money and rights are read from the service each time. Your devices go
          on by themselves, and this page does when the service answers.
        </p>
        <Button variant="default" onClick={() => location.reload()}>
          Try again
        </Button>
      </div>
    </main>
  );
}

/** Over a page that was read before the connection was lost. */
export function ConnectionLost() {
  const connected = useSyncExternalStore(reach.watch, () => reach.state.connected);
  if (connected) return null;
  const { lastSeenAtMs } = reach.state;
  return (
    <div className="notice" role="status">
      <strong>Not connected.</strong>{" "}
      {lastSeenAtMs === undefined ? null : (
        <>
          What you see was last current <Time atMs={lastSeenAtMs} />.{" "}
        </>
      )}
      It goes on by itself when the service answers again.
    </div>
  );
}
