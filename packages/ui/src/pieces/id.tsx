import { useState } from "react";
import { shortId } from "../format-id.ts";

/** An id, shortened; a click copies it whole. */
export function Id({ id }: { readonly id: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(id);
    setCopied(true);
    setTimeout(() => setCopied(false), 1_200);
  };
  return (
    <button type="button" className="oa-id" title={`${id} — click to copy`} onClick={() => void copy()}>
      {copied ? "copied" : shortId(id)}
    </button>
  );
}
