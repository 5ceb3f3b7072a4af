import { parseDiff, type RunStory } from "@openagents/ui";
import { DiffView, Empty } from "@openagents/ui/react";
import { useRead } from "../../api.ts";
import { Read } from "../../shell/read.tsx";
import { readTextArtifact } from "./read-artifact.ts";

type PatchStageProps = {
  /** As the run stood. */
  readonly story: RunStory;
  /** As it stands now. */
  readonly whole: RunStory;
};

/** The patch as far as it had grown: files that were touched, then the diff that was made of them. */
export function PatchStage({ story, whole }: PatchStageProps) {
  const made = story.patches.at(-1);
  const patch = whole.patches.find(({ seq }) => seq === made?.seq);
  const text = useRead(
    ["artifact", patch?.sha256 ?? ""],
    (signal) => readTextArtifact(patch?.sha256 ?? "", signal),
    { enabled: patch?.kept === true },
  );
  if (patch === undefined) {
    return (
      <div className="stage" tabIndex={0} role="region" aria-label="Patch">
        <h3>Patch</h3>
        {story.touchedPaths.length === 0 ? (
          <Empty title="Nothing is changed yet">Files appear here as the agent touches them.</Empty>
        ) : (
          <ul className="money-way">
            {story.touchedPaths.map((path) => (
              <li key={path}>
                <span className="oa-mono">{path}</span>
                <span className="quiet">touched</span>
              </li>
            ))}
          </ul>
        )}
      </div>
    );
  }
  return (
    <div className="stage" tabIndex={0} role="region" aria-label="Patch">
      <h3>{story.patches.length > 1 ? `Patch of attempt ${patch.attempt}` : "Patch"}</h3>
      <Read of={text}>
        {(diff) =>
          diff === undefined ? (
            <Empty title="The patch is not kept here any more">
              Its bundle on the computer that ran it has it.
            </Empty>
          ) : (
            <DiffView files={parseDiff(diff)} />
          )
        }
      </Read>
    </div>
  );
}
