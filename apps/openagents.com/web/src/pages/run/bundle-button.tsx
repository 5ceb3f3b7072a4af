import { Button } from "@mantine/core";
import { Problem } from "@openagents/ui/react";
import { useState } from "react";

type BundleButtonProps = { readonly runId: string; readonly ready: boolean };

/** Everything that proves the run, as one archive made in this browser. */
export function BundleButton({ runId, ready }: BundleButtonProps) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const download = async () => {
    setBusy(true);
    setError(undefined);
    try {
      const { makeBundle } = await import("./make-bundle.ts");
      const link = document.createElement("a");
      link.href = URL.createObjectURL(await makeBundle(runId));
      link.download = `${runId}.zip`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Button
        size="xs"
        variant="default"
        loading={busy}
        disabled={!ready}
        title={
          ready
            ? "Receipts with proofs, the replay, the patch and what the check printed"
            : "The run has not ended."
        }
        onClick={() => void download()}
      >
        Download the evidence
      </Button>
      {error === undefined ? null : <Problem error={error} />}
    </>
  );
}
