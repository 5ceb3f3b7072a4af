import { useState } from "react";

/** A command to run elsewhere, to be copied. */
export function Command({ children }: { readonly children: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(children);
    setCopied(true);
    setTimeout(() => setCopied(false), 1_200);
  };
  return (
    <div className="oa-command">
      <code tabIndex={0}>{children}</code>
      <button type="button" className="oa-copy" onClick={() => void copy()}>
        {copied ? "Copied" : "Copy"}
      </button>
    </div>
  );
}
