import type { FileDiff } from "../run/diff.ts";

const SIGN = { added: "+", removed: "−", context: " " } as const;

/** A patch, file by file. */
export function DiffView({ files }: { readonly files: readonly FileDiff[] }) {
  return (
    <div className="oa-diff">
      {files.map((file) => (
        <section key={file.path} aria-label={`Changes of ${file.path}`}>
          <h3>
            <span>{file.path}</span>
            <span className="oa-plus">+{file.added}</span>
            <span className="oa-minus">−{file.removed}</span>
          </h3>
          {file.binary ? <p className="oa-fine">Bytes that are no text.</p> : null}
          <div className="oa-lines" tabIndex={0} role="region" aria-label={`Lines of ${file.path}`}>
            <table>
              <tbody>{file.hunks.flatMap(rowsOf)}</tbody>
            </table>
          </div>
        </section>
      ))}
    </div>
  );
}

function rowsOf(hunk: FileDiff["hunks"][number], place: number) {
  return [
    <tr key={`${place}`} data-kind="hunk">
      <td className="oa-number">…</td>
      <td className="oa-number">…</td>
      <td colSpan={2}>{hunk.header}</td>
    </tr>,
    ...hunk.lines.map((line, index) => (
      <tr key={`${place}:${index}`} data-kind={line.kind}>
        <td className="oa-number">{line.before}</td>
        <td className="oa-number">{line.after}</td>
        <td className="oa-number">{SIGN[line.kind]}</td>
        <td>{line.text}</td>
      </tr>
    )),
  ];
}
