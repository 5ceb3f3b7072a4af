import { Button } from "@mantine/core";
import { foldRun, formatAbsolute, type LoggedEvent, type RunStory } from "@openagents/ui";
import { Timeline } from "@openagents/ui/react";
import { Link } from "@tanstack/react-router";
import { useEffect, useId, useMemo, useRef, useState } from "react";
import { PatchStage } from "./patch-stage.tsx";

/** Longest wait between two events of a playback; a run's own pauses can be hours. */
const PAUSE_MS_MAX = 900;
const PAUSE_MS_MIN = 120;

type ReplayProps = { readonly events: readonly LoggedEvent[]; readonly whole: RunStory };

/** The run as it stood after any of its events. While nothing is chosen it follows the newest one. */
export function Replay({ events, whole }: ReplayProps) {
  const [chosen, setChosen] = useState<number>();
  const [playing, setPlaying] = useState(false);
  const scrub = useId();
  const feed = useRef<HTMLDivElement>(null);
  const at = Math.min(chosen ?? events.length, events.length);
  const story = useMemo(() => foldRun(events.slice(0, at)), [events, at]);

  useEffect(() => {
    if (!playing) return undefined;
    const next = events[at];
    const now = events[at - 1];
    if (next === undefined) {
      setPlaying(false);
      return undefined;
    }
    const wait = Math.min(
      Math.max(next.recordedAt - (now?.recordedAt ?? next.recordedAt), PAUSE_MS_MIN),
      PAUSE_MS_MAX,
    );
    const timer = setTimeout(() => setChosen(at + 1), wait);
    return () => clearTimeout(timer);
  }, [playing, at, events]);

  useEffect(() => {
    const place = feed.current;
    place?.scrollTo({ top: place.scrollHeight });
  }, [at]);

  const play = () => {
    if (!playing && at >= events.length) setChosen(1);
    setPlaying(!playing);
  };
  const last = story.steps.at(-1);
  return (
    <>
      <div className="scrubber">
        <Button
          size="compact-sm"
          variant="default"
          onClick={play}
          aria-label={playing ? "Pause the replay" : "Play the replay"}
        >
          {playing ? "Pause" : "Play"}
        </Button>
        <input
          id={scrub}
          type="range"
          aria-label="Event"
          min={1}
          max={Math.max(events.length, 1)}
          value={at}
          aria-valuetext={
            last === undefined ? "nothing yet" : `event ${at} of ${events.length}: ${last.title}`
          }
          onChange={(event) => {
            const place = Number(event.target.value);
            setPlaying(false);
            setChosen(place >= events.length ? undefined : place);
          }}
        />
        <span className="oa-fine" title={last === undefined ? undefined : formatAbsolute(last.atMs)}>
          {at} / {events.length}
        </span>
      </div>
      <div className="replay">
        <div className="feed" ref={feed} tabIndex={0} role="region" aria-label="Timeline">
          <Timeline
            steps={story.steps}
            startedAtMs={story.startedAtMs ?? 0}
            currentSeq={last?.seq}
            receiptLink={(receiptId) => (
              <Link to="/receipts/$receiptId" params={{ receiptId }} title={receiptId}>
                receipt
              </Link>
            )}
          />
        </div>
        <PatchStage story={story} whole={whole} />
      </div>
    </>
  );
}
