import { foldRun, formatDuration, type LoggedEvent } from "@openagents/ui";
import { useMemo } from "react";
import { Panel } from "../../shell/page.tsx";
import { CheckLegs } from "./check-legs.tsx";
import { MoneyWay } from "./money-way.tsx";
import { Replay } from "./replay.tsx";
import { Review } from "./review.tsx";
import { VerdictCard } from "./verdict-card.tsx";

type RunStoryViewProps = { readonly events: readonly LoggedEvent[]; readonly changed: () => void };

/** What happened, what came of it, and what it cost. */
export function RunStoryView({ events, changed }: RunStoryViewProps) {
  const story = useMemo(() => foldRun(events), [events]);
  const lasted =
    story.startedAtMs === undefined || story.lastAtMs === undefined ? 0 : story.lastAtMs - story.startedAtMs;
  return (
    <>
      <VerdictCard story={story} />
      <Review outcome={story.outcome} done={changed} />
      <Panel
        title="Replay"
        aside={<span className="oa-fine">{`${events.length} events in ${formatDuration(lasted)}`}</span>}
      >
        <Replay events={events} whole={story} />
      </Panel>
      <div className="columns wide-left">
        <CheckLegs outcome={story.outcome} ended={story.finished !== undefined} />
        <MoneyWay story={story} />
      </div>
      {story.body === undefined || story.body === "" ? null : (
        <Panel title="The issue">
          <pre className="oa-output oa-body" tabIndex={0}>
            {story.body}
          </pre>
        </Panel>
      )}
    </>
  );
}
