import { formatDuration, type CheckRun, type LegCommand, type Outcome } from "@openagents/ui";
import { Empty, Id } from "@openagents/ui/react";
import { useState } from "react";
import { useRead } from "../../api.ts";
import { Panel } from "../../shell/page.tsx";
import { Read } from "../../shell/read.tsx";
import { readTextArtifact } from "./read-artifact.ts";

/** sha256 of no bytes: a command that printed nothing. */
const NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const LEGS: Readonly<Record<string, { readonly name: string; readonly wants: string }>> = {
  base: { name: "Without the patch", wants: "must fail, or the check proves nothing" },
  patched: { name: "With the patch", wants: "must pass" },
  guard: { name: "With the base’s own tests", wants: "must pass, so that tests were not bent to fit" },
};

/** Both runs of the check, leg by leg, with what they printed. */
export function CheckLegs({
  outcome,
  ended,
}: {
  readonly outcome: Outcome | undefined;
  readonly ended: boolean;
}) {
  if (outcome === undefined) {
    return (
      <Panel title="The check">
        <Empty title={ended ? "No verdict on it" : "Not run yet"}>
          {ended
            ? "The run ended before a check of its patch was verified."
            : "The check runs without the patch and with it, and then again elsewhere."}
        </Empty>
      </Panel>
    );
  }
  return (
    <div className="stack">
      <RunOfCheck title="The check, by the provider" run={outcome.first} />
      {outcome.second === undefined ? null : <RunOfCheck title="The check, run again" run={outcome.second} />}
    </div>
  );
}

function RunOfCheck({ title, run }: { readonly title: string; readonly run: CheckRun }) {
  return (
    <Panel title={title} aside={run.by === undefined ? null : <Id id={run.by} />}>
      <div className="legs">
        {run.legs.map(({ leg, commands }) => {
          const known = LEGS[leg] ?? { name: leg, wants: "" };
          return (
            <div key={leg}>
              <h3>{known.name}</h3>
              <p className="oa-fine">{known.wants}</p>
              {commands.map((command) => (
                <CommandOutput
                  key={`${command.command}:${command.stdoutSha256}`}
                  leg={leg}
                  command={command}
                />
              ))}
            </div>
          );
        })}
      </div>
    </Panel>
  );
}

type CommandOutputProps = { readonly leg: string; readonly command: LegCommand };

function CommandOutput({ leg, command }: CommandOutputProps) {
  const [open, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <code className="oa-mono">{command.command}</code> <ExitCode leg={leg} command={command} />{" "}
        <span className="oa-fine">{formatDuration(command.durationMs)}</span>
      </summary>
      {open ? <Printed command={command} /> : null}
    </details>
  );
}

/** Whether a leg ended as it must: without the patch, failing is what is wanted. */
function ExitCode({ leg, command: { exitCode, limit } }: CommandOutputProps) {
  const asWanted = (exitCode === 0) !== (leg === "base");
  const tone = limit !== undefined || exitCode === undefined ? "attention" : asWanted ? "good" : "bad";
  return (
    <span className="oa-badge" data-tone={tone}>
      {limit === undefined ? `exit ${exitCode ?? "unknown"}` : `stopped by its ${limit} limit`}
    </span>
  );
}

function Printed({ command }: { readonly command: LegCommand }) {
  const parts = [command.stdoutSha256, command.stderrSha256].filter(
    (hash): hash is string => hash !== undefined && hash !== NOTHING,
  );
  if (parts.length === 0) return <p className="oa-fine">It printed nothing.</p>;
  return parts.map((hash) => <OutputOf key={hash} hash={hash} />);
}

function OutputOf({ hash }: { readonly hash: string }) {
  const text = useRead(["artifact", hash], (signal) => readTextArtifact(hash, signal));
  return (
    <Read of={text}>
      {(printed) => (
        <pre className="oa-output" tabIndex={0}>
          {printed ?? "What it printed is not kept here any more. Its hash is in the receipt."}
        </pre>
      )}
    </Read>
  );
}
