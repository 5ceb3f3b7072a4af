import { Command } from "@openagents/ui/react";
import { useRef } from "react";
import { Button } from "@mantine/core";

/** How the demo run is started. The agent works on a computer of yours, so it starts there and is watched here. */
export function DemoRunButton() {
  const sheet = useRef<HTMLDialogElement>(null);
  return (
    <>
      <Button size="sm" onClick={() => sheet.current?.showModal()}>
        Run the demo
      </Button>
      <dialog ref={sheet} className="sheet" aria-label="Run the demo">
        <form method="dialog">
          <div>
            <h2>Run the demo</h2>
            <p className="quiet">
              The agent works on your own computer, where the repository is. Start it there with this command;
              the run appears in this list at once, and its page follows it live.
            </p>
          </div>
          <Command>./openagents demo</Command>
          <div className="row">
            <Button type="submit" variant="default">
              Close
            </Button>
          </div>
        </form>
      </dialog>
    </>
  );
}
