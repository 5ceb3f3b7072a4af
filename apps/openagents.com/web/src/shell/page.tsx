import { useEffect, type ReactNode } from "react";

type PageProps = {
  readonly title: string;
  readonly lead?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
};

/** A page: its name, what it is for, what can be done, and its content. */
export function Page({ title, lead, actions, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · OpenAgents`;
  }, [title]);
  return (
    <div className="page">
      <div className="page-head">
        <div>
          <h1>{title}</h1>
          {lead === undefined ? null : <p>{lead}</p>}
        </div>
        {actions === undefined ? null : <div className="page-actions">{actions}</div>}
      </div>
      {children}
    </div>
  );
}

type PanelProps = { readonly title: string; readonly aside?: ReactNode; readonly children: ReactNode };

export function Panel({ title, aside, children }: PanelProps) {
  return (
    <section className="oa-panel" aria-label={title}>
      <header>
        <h2>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}

type FigureProps = { readonly label: string; readonly children: ReactNode; readonly note?: ReactNode };

export function Figure({ label, children, note }: FigureProps) {
  return (
    <div className="figure">
      <span className="label">{label}</span>
      <span className="value">{children}</span>
      {note === undefined ? null : <span className="note">{note}</span>}
    </div>
  );
}
