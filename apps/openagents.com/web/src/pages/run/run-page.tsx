import { Runs } from "@openagents/contracts";
import { Badge, Id, Loading, Time } from "@openagents/ui/react";
import { Link, useParams } from "@tanstack/react-router";
import { lazy, Suspense, useMemo } from "react";
import { client, useRead } from "../../api.ts";
import { readAgain } from "../../live/read-again.ts";
import { usePace, useStream } from "../../live/use-live.ts";
import { useSignedIn } from "../../session/use-session.ts";
import { CommandButton } from "../../shell/command-button.tsx";
import { Page } from "../../shell/page.tsx";
import { Read } from "../../shell/read.tsx";
import { BundleButton } from "./bundle-button.tsx";
import { readEvents } from "./read-events.ts";

// What the run is called is on the screen first, and its story comes right after.
const RunStoryView = lazy(async () => ({ default: (await import("./run-story.tsx")).RunStoryView }));

const ENDED: ReadonlySet<string> = new Set(["succeeded", "failed", "canceled"]);

/** One run: what came of it, why to believe it, what it cost, and all that happened. */
export function RunPage() {
  const { runId = "" } = useParams({ strict: false });
  const { everyMs } = usePace();
  const again = useMemo(() => readAgain(["run", runId]), [runId]);
  useStream(`runtime.run.${runId}.events`, again);
  const run = useRead(["run", runId, "head"], (signal) => client(Runs).getRun({ runId }, { signal }), {
    everyMs,
  });
  const status = run.data?.run.status;
  const events = useRead(["run", runId, "events"], (signal) => readEvents(runId, signal), {
    everyMs,
  });
  return (
    <Page
      title={run.data?.run.issue?.title ?? "Run"}
      lead={
        run.data === undefined ? undefined : (
          <span className="row">
            <Badge word={run.data.run.status} />
            <Id id={runId} />
            <span className="quiet">
              started <Time atMs={run.data.run.createdAt} />
            </span>
            {run.data.run.forkedFrom === undefined ? null : (
              <Link to="/runs/$runId" params={{ runId: run.data.run.forkedFrom }}>
                forked
              </Link>
            )}
          </span>
        )
      }
      actions={
        <>
          <BundleButton runId={runId} ready={status !== undefined && ENDED.has(status)} />
          <CancelRun runId={runId} status={status} done={again} />
        </>
      }
    >
      <Read of={events} lines={12}>
        {(all) => (
          <Suspense fallback={<Loading lines={12} />}>
            <RunStoryView events={all} changed={again} />
          </Suspense>
        )}
      </Read>
    </Page>
  );
}

type CancelRunProps = {
  readonly runId: string;
  readonly status: string | undefined;
  readonly done: () => void;
};

function CancelRun({ runId, status, done }: CancelRunProps) {
  const { scopes } = useSignedIn();
  const because =
    status === undefined
      ? "The run is being read."
      : ENDED.has(status)
        ? "The run has ended."
        : scopes.has("runs:write")
          ? undefined
          : "You may read runs, and not change them.";
  return (
    <CommandButton
      label="Cancel run"
      title="Cancel this run?"
      explanation="It spends no more. Money that is set aside for work not handed in yet is given back at once; what was handed in is verified and settled as agreed."
      ask="Why, for those who read the log"
      confirm="Cancel the run"
      danger
      disabledBecause={because}
      run={(reason, idempotencyKey) => client(Runs).cancelRun({ runId, reason }, { idempotencyKey })}
      done={done}
    />
  );
}
