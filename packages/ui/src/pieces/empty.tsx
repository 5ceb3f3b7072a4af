import type { ReactNode } from "react";

type EmptyProps = {
  readonly title: string;
  /** What to do next. */
  readonly children?: ReactNode;
  readonly action?: ReactNode;
};

/** Nothing is here yet: says what would be, and how to get there. */
export function Empty({ title, children, action }: EmptyProps) {
  return (
    <div className="oa-empty">
      <h3>{title}</h3>
      {children === undefined ? null : <p>{children}</p>}
      {action === undefined ? null : <div className="oa-actions">{action}</div>}
    </div>
  );
}

/** Holds the place of what is being loaded. */
export function Loading({ lines = 4 }: { readonly lines?: number }) {
  return (
    <div className="oa-skeleton" role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, line) => (
        <span key={line} />
      ))}
    </div>
  );
}
