import type { ReactNode } from "react";
import { formatAbsolute, formatDuration } from "../format-time.ts";
import type { Step } from "../run/describe-event.ts";
import { Amount } from "./amount.tsx";

type TimelineProps = {
  readonly steps: readonly Step[];
  readonly startedAtMs: number;
  /** The step that is looked at. */
  readonly currentSeq?: number | undefined;
  readonly receiptLink: (receiptId: string) => ReactNode;
};

/** What happened, in order, each with how long after the start, its amount, and its receipt. */
export function Timeline({ steps, startedAtMs, currentSeq, receiptLink }: TimelineProps) {
  return (
    <ol className="oa-timeline">
      {steps.map((step) => (
        <li
          key={step.seq}
          data-tone={step.tone}
          data-minor={step.minor === true}
          data-current={step.seq === currentSeq}
          aria-current={step.seq === currentSeq ? "step" : undefined}
        >
          <span className="oa-at" title={formatAbsolute(step.atMs)}>
            +{formatDuration(step.atMs - startedAtMs)}
          </span>
          <span className="oa-dot" aria-hidden="true" />
          <div className="oa-what">
            {step.speech === true ? (
              <div className="oa-speech">{step.detail}</div>
            ) : (
              <>
                <strong>{step.title}</strong>
                {step.detail === undefined ? null : <p>{step.detail}</p>}
              </>
            )}
            {step.output === undefined || step.output === "" ? null : (
              <pre className="oa-output" tabIndex={0}>
                {step.output}
              </pre>
            )}
          </div>
          <div className="oa-aside">
            {step.amountMsats === undefined ? null : <Amount msats={step.amountMsats} />}
            {step.receiptId === undefined ? null : receiptLink(step.receiptId)}
          </div>
        </li>
      ))}
    </ol>
  );
}
