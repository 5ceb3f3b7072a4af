import { Button } from "@mantine/core";
import { useEffect, useRef, type FormEvent, type ReactNode } from "react";

type CodeFormProps = {
  /** Of the field; two forms may be on one page. */
  readonly id: string;
  readonly email: string;
  readonly busy: boolean;
  readonly label: string;
  readonly submit: (email: string, code: string) => Promise<void>;
  readonly children?: ReactNode;
};

/** Takes the code that was mailed to an address. */
export function CodeForm({ id, email, busy, label, submit, children }: CodeFormProps) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const send = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    void submit(email, (field.current?.value ?? "").replaceAll(/\s/g, ""));
  };
  return (
    <form onSubmit={send}>
      <div className="field">
        <label htmlFor={id}>Six digits, sent to {email}</label>
        <input
          ref={field}
          id={id}
          className="input code"
          required
          inputMode="numeric"
          autoComplete="one-time-code"
          pattern="[0-9 ]{6,7}"
          maxLength={7}
        />
      </div>
      <Button type="submit" loading={busy}>
        {label}
      </Button>
      {children}
    </form>
  );
}
