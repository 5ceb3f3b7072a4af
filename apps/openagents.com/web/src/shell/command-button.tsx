import { Button } from "@mantine/core";
import { Problem } from "@openagents/ui/react";
import { useId, useRef, useState, type ReactNode } from "react";

type CommandButtonProps = {
  readonly label: string;
  readonly title: string;
  /** What will happen, and what will not. */
  readonly explanation: ReactNode;
  /** The word on the button that does it. */
  readonly confirm: string;
  /** Asked for, and given to the command. */
  readonly ask?: string;
  readonly danger?: boolean;
  /** Why it cannot be done now; the button is there all the same. */
  readonly disabledBecause?: string | undefined;
  /** The key is the same for every attempt of one opening of the sheet: a repeat has no second effect. */
  readonly run: (text: string, idempotencyKey: string) => Promise<unknown>;
  readonly done?: () => void;
};

/** A command that is asked about before it is sent, and shown as done only when the service says so. */
export function CommandButton(props: CommandButtonProps) {
  const { label, title, explanation, confirm, ask, danger = false, disabledBecause } = props;
  const sheet = useRef<HTMLDialogElement>(null);
  const key = useRef("");
  const field = useId();
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const open = () => {
    key.current = crypto.randomUUID();
    setError(undefined);
    sheet.current?.showModal();
  };
  const send = async () => {
    setBusy(true);
    setError(undefined);
    try {
      await props.run(text, key.current);
      sheet.current?.close();
      setText("");
      props.done?.();
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
        onClick={open}
        disabled={disabledBecause !== undefined}
        title={disabledBecause}
      >
        {label}
      </Button>
      <dialog ref={sheet} className="sheet" aria-label={title}>
        <form
          method="dialog"
          onSubmit={(event) => {
            event.preventDefault();
            void send();
          }}
        >
          <div>
            <h2>{title}</h2>
            <div className="quiet">{explanation}</div>
          </div>
          {ask === undefined ? null : (
            <div className="field">
              <label htmlFor={field}>{ask}</label>
              <input
                id={field}
                className="input"
                required
                value={text}
                onChange={(event) => setText(event.target.value)}
              />
            </div>
          )}
          {error === undefined ? null : <Problem error={error} />}
          <div className="row">
            <Button variant="default" onClick={() => sheet.current?.close()}>
              Leave it
            </Button>
            <Button type="submit" loading={busy} data-danger={danger}>
              {confirm}
            </Button>
          </div>
        </form>
      </dialog>
    </>
  );
}
