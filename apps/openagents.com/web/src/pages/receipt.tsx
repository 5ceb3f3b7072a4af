import { Button } from "@mantine/core";
import {
  ControlReceipts,
  Receipts,
  TransparencyLog,
  encode,
  signedReceiptDesc,
  type JsonValue,
  type SignedReceipt,
} from "@openagents/contracts";
import { keeperOf } from "@openagents/receipts";
import {
  examineReceipt,
  formatMsats,
  formatSats,
  overall,
  sentence,
  textAt,
  type ReceiptClaim,
} from "@openagents/ui";
import { Claims, Id, Time } from "@openagents/ui/react";
import { Link, useParams } from "@tanstack/react-router";
import { useMemo } from "react";
import { client, useRead } from "../api.ts";
import { Page, Panel } from "../shell/page.tsx";
import { Read } from "../shell/read.tsx";
import { kindOf } from "./receipts.tsx";

/** One receipt: what it says, and whether it can be believed, computed here. */
export function ReceiptPage() {
  const { receiptId = "" } = useParams({ strict: false });
  const receipt = useRead(["receipt", receiptId], (signal) => findReceipt(receiptId, signal), {
    // Until it stands in the log.
    everyMs: 4_000,
  });
  const pins = useRead(["pins"], async (signal) => {
    const [signer, control, log] = await Promise.all([
      client(Receipts).getSigner({}, { signal }),
      client(ControlReceipts).getControlSigner({}, { signal }),
      client(TransparencyLog).getLog({}, { signal }),
    ]);
    return { operatorKeys: [signer.publicKey, control.publicKey], logKeys: [log.logKey] };
  });
  const kind = receipt.data === undefined ? "Receipt" : kindOf(textAt(receipt.data.receipt, "schema") ?? "");
  return (
    <Page title={kind} lead={<Id id={receiptId} />}>
      <Read of={receipt} lines={10}>
        {(signed) => <Read of={pins}>{(keys) => <ReceiptDocument signed={signed} pins={keys} />}</Read>}
      </Read>
    </Page>
  );
}

function findReceipt(receiptId: string, signal: AbortSignal): Promise<SignedReceipt> {
  return keeperOf(receiptId) === "control"
    ? client(ControlReceipts).getControlReceipt({ receiptId }, { signal })
    : client(Receipts).getReceipt({ receiptId }, { signal });
}

type Pinned = { readonly operatorKeys: readonly string[]; readonly logKeys: readonly string[] };

const HEADLINES = {
  holds: "It holds: computed in this browser, from the receipt’s own bytes",
  fails: "It does not hold",
  not_checked: "What was checked holds; something could not be checked yet",
} as const;

function ReceiptDocument({ signed, pins }: { readonly signed: SignedReceipt; readonly pins: Pinned }) {
  const document = useMemo(() => encode(signedReceiptDesc, signed), [signed]);
  const claims = useMemo(() => examineReceipt(document, pins), [document, pins]);
  const state = overall(claims);
  return (
    <>
      <section
        className="verdict"
        data-tone={state === "holds" ? "good" : state === "fails" ? "bad" : "attention"}
        aria-label="Verification"
      >
        <div>
          <h2>{HEADLINES[state]}</h2>
          <p>
            Nobody was asked whether it is true. The keys it is compared with are the ones that this service
            publishes; pin them yourself with <code className="oa-mono">openagents receipts verify</code>.
          </p>
        </div>
        <Download document={document} name={textAt(signed.receipt, "receipt_id") ?? "receipt"} />
      </section>
      <div className="columns">
        <ClaimsPanel claims={claims} />
        <Panel title="What it says">
          <div className="oa-body">
            <dl className="oa-facts">
              {Object.entries(signed.receipt).map(([name, value]) => (
                <Fact key={name} name={name} value={value} />
              ))}
            </dl>
          </div>
        </Panel>
      </div>
      <Panel title="The document, as it is signed">
        <pre className="oa-output" tabIndex={0}>
          {JSON.stringify(document, null, 2)}
        </pre>
      </Panel>
    </>
  );
}

function ClaimsPanel({ claims }: { readonly claims: readonly ReceiptClaim[] }) {
  return (
    <Panel title="Checked here" aside={<span className="oa-fine">sha256 · BIP-340 · RFC 9162</span>}>
      <Claims claims={claims} />
    </Panel>
  );
}

const HIDDEN: ReadonlySet<string> = new Set(["receipt_id", "schema"]);

function Fact({ name, value }: { readonly name: string; readonly value: JsonValue }) {
  if (HIDDEN.has(name)) return null;
  return (
    <>
      <dt>{sentence(name.replace(/_msats$/, ""))}</dt>
      <dd>
        <FactValue name={name} value={value} />
      </dd>
    </>
  );
}

function FactValue({ name, value }: { readonly name: string; readonly value: JsonValue }) {
  if (typeof value === "number" && name.endsWith("_msats")) {
    return <span title={formatMsats(BigInt(value))}>{formatSats(BigInt(value))}</span>;
  }
  if (typeof value === "string" && name.endsWith("_at")) return <Time atMs={Date.parse(value)} />;
  if (typeof value === "string" && name === "run_id") {
    return (
      <Link to="/runs/$runId" params={{ runId: value }} className="oa-mono">
        {value}
      </Link>
    );
  }
  if (typeof value === "string" && name.endsWith("receipt_id")) {
    return (
      <Link to="/receipts/$receiptId" params={{ receiptId: value }} className="oa-mono">
        {value}
      </Link>
    );
  }
  if (typeof value === "object") return <code className="oa-mono">{JSON.stringify(value)}</code>;
  return (
    <span className={typeof value === "string" && /^[a-z0-9_:.]{16,}$/.test(value) ? "oa-mono" : undefined}>
      {String(value)}
    </span>
  );
}

function Download({ document, name }: { readonly document: unknown; readonly name: string }) {
  const download = () => {
    const link = globalThis.document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(document)], { type: "application/json" }));
    link.download = `${name}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };
  return (
    <Button size="sm" variant="default" onClick={download}>
      Download
    </Button>
  );
}
