import { Button } from "@mantine/core";
import { Problem } from "@openagents/ui/react";
import { useId, useState, type ReactNode } from "react";

type FormProps = {
  readonly submit: string;
  readonly children: ReactNode;
  /** Given what the fields hold; its failure is shown under them. */
  readonly send: (fields: ReadonlyMap<string, string>) => Promise<void>;
  readonly inline?: boolean;
  readonly disabledBecause?: string | undefined;
};

/** Fields that are sent together. They are emptied when it worked. */
export function Form({ submit, children, send, inline = false, disabledBecause }: FormProps) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const work = async (form: HTMLFormElement) => {
    const fields = new Map<string, string>();
    for (const [name, value] of new FormData(form))
      if (typeof value === "string") fields.set(name, value.trim());
    setBusy(true);
    setError(undefined);
    try {
      await send(fields);
      form.reset();
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        void work(event.currentTarget);
      }}
    >
      <div className={inline ? "inline-fields" : "stack"}>
        {children}
        <div>
          <Button
            type="submit"
            size="sm"
            loading={busy}
            disabled={disabledBecause !== undefined}
            title={disabledBecause}
          >
            {submit}
          </Button>
        </div>
      </div>
      {error === undefined ? null : <Problem error={error} />}
    </form>
  );
}

type FieldProps = {
  readonly name: string;
  readonly label: string;
  readonly type?: string;
  readonly initial?: string;
  readonly placeholder?: string;
  readonly required?: boolean;
  readonly hint?: string;
};

export function Field({
  name,
  label,
  type = "text",
  initial,
  placeholder,
  required = true,
  hint,
}: FieldProps) {
  return (
    <div className="field">
      <label htmlFor={`field-${name}`}>{label}</label>
      <input
        id={`field-${name}`}
        name={name}
        type={type}
        className="input"
        defaultValue={initial}
        placeholder={placeholder}
        required={required}
        autoComplete="off"
      />
      {hint === undefined ? null : <span className="reason">{hint}</span>}
    </div>
  );
}

type LinesProps = {
  readonly name: string;
  readonly label: string;
  readonly initial?: string;
  readonly placeholder?: string;
  readonly required?: boolean;
  readonly rows?: number;
  readonly hint?: string;
};

/** A field of several lines. */
export function Lines({ name, label, initial, placeholder, required = false, rows = 3, hint }: LinesProps) {
  return (
    <div className="field">
      <label htmlFor={`field-${name}`}>{label}</label>
      <textarea
        id={`field-${name}`}
        name={name}
        rows={rows}
        className="input"
        defaultValue={initial}
        placeholder={placeholder}
        required={required}
        spellCheck={false}
      />
      {hint === undefined ? null : <span className="reason">{hint}</span>}
    </div>
  );
}

/** What several lines hold: each without its blanks, and none that is empty. */
export function linesOf(text: string | undefined): readonly string[] {
  return (text ?? "")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

type AreaProps = {
  readonly name: string;
  readonly label: string;
  readonly initial?: string;
  readonly hint?: string;
};

/** Text of several lines. */
export function Area({ name, label, initial, hint }: AreaProps) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <textarea id={id} name={name} className="input" defaultValue={initial} rows={6} required />
      {hint === undefined ? null : <span className="reason">{hint}</span>}
    </div>
  );
}

type ChoiceProps = {
  readonly name: string;
  readonly label: string;
  readonly options: readonly string[];
  readonly initial?: string;
};

export function Choice({ name, label, options, initial }: ChoiceProps) {
  return (
    <div className="field">
      <label htmlFor={`field-${name}`}>{label}</label>
      <select id={`field-${name}`} name={name} className="input" defaultValue={initial}>
        {options.map((option) => (
          <option key={option} value={option}>
            {option}
          </option>
        ))}
      </select>
    </div>
  );
}
