import { Button } from "@mantine/core";
import { CodexWorkers, ProblemError } from "@openagents/contracts";
import { Command, Problem } from "@openagents/ui/react";
import { useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { client } from "../api.ts";
import { useDevices } from "./devices-reads.ts";

/** A run of the demonstration takes a minute or two on a slow computer. */
const DEMO_MS_MAX = 600_000;
const LOOK_EVERY_MS = 400;

/** The agent works on a computer of yours: this asks a device that is online, and follows the run that it opens. */
export function DemoRunButton() {
  const sheet = useRef<HTMLDialogElement>(null);
  const navigate = useNavigate();
  const [isAsking, setIsAsking] = useState(false);
  const [error, setError] = useState<unknown>();
  const devices = useDevices();
  const workerId = devices.data?.find(({ connected }) => connected)?.workerId;

  const begin = async () => {
    if (workerId === undefined) return sheet.current?.showModal();
    setError(undefined);
    setIsAsking(true);
    try {
      const runId = await askForDemo(workerId);
      await navigate({ to: "/runs/$runId", params: { runId } });
    } catch (cause) {
      setError(cause);
      sheet.current?.showModal();
    } finally {
      setIsAsking(false);
    }
  };

  return (
    <>
      <Button size="sm" loading={isAsking} onClick={() => void begin()}>
        Run the demo
      </Button>
      <dialog ref={sheet} className="sheet" aria-label="Run the demo">
        <form method="dialog">
          <div>
            <h2>Run the demo</h2>
            <p className="quiet">
              The agent works on a computer of yours. Make this one a device of yours, and the button starts
              the demo there; its page follows it live.
            </p>
          </div>
          {error === undefined ? null : <Problem error={error} />}
          <Command>./openagents device run</Command>
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

/** Answers the run's id as soon as the device has opened it. */
async function askForDemo(workerId: string): Promise<string> {
  const workers = client(CodexWorkers);
  const { headSeq } = await workers.getCodexWorkerStream({ workerId, limit: 1 });
  const requestId = crypto.randomUUID();
  await workers.requestCodexWorker({
    workerId,
    requestId,
    method: "run/demo",
    params: {},
    timeoutMs: DEMO_MS_MAX,
  });
  for (;;) {
    const { events } = await workers.getCodexWorkerStream({ workerId, afterSeq: headSeq, limit: 200 });
    for (const { payload } of events) {
      const runId = payload?.["run_id"];
      const isIt = payload?.["kind"] === "run.opened" && payload["request_id"] === requestId;
      if (isIt && typeof runId === "string") return runId;
    }
    const { call } = await workers.getCodexWorkerCall({ workerId, requestId });
    if (call.error !== undefined)
      throw new ProblemError({ status: 409, code: call.error.code, detail: call.error.message });
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
