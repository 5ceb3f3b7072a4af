import { Button } from "@mantine/core";
import { Receipts } from "@openagents/contracts";
import { sentence, textAt } from "@openagents/ui";
import { Empty, Id, Time } from "@openagents/ui/react";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState, type FormEvent } from "react";
import { client, useRead } from "../api.ts";
import { Page, Panel } from "../shell/page.tsx";
import { Pager } from "../shell/pager.tsx";
import { Read } from "../shell/read.tsx";

const RECEIPT_ID = /^[a-z]{2,12}_[0-9a-f]{24}$/;

/** Every receipt of the organisation: found by its id, or by what it is about. */
export function ReceiptsPage() {
  const { about } = useSearch({ strict: false });
  const subject = typeof about === "string" && about !== "" ? about : undefined;
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const cursor = cursors.at(-1);
  const navigate = useNavigate();
  const receipts = useRead(["receipts", subject ?? "", cursor ?? ""], (signal) =>
    client(Receipts).listReceipts(
      {
        limit: 40,
        ...(subject === undefined ? {} : { subject }),
        ...(cursor === undefined ? {} : { cursor }),
      },
      { signal },
    ),
  );
  const search = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const about = new FormData(event.currentTarget).get("about");
    const text = typeof about === "string" ? about.trim() : "";
    setCursors([]);
    if (RECEIPT_ID.test(text)) void navigate({ to: "/receipts/$receiptId", params: { receiptId: text } });
    else void navigate({ to: "/receipts", search: text === "" ? {} : { about: text } });
  };
  return (
    <Page
      title="Receipts"
      lead="Signed facts about money, rights and verdicts. Open one, and your browser checks it by itself."
    >
      <form className="row" role="search" onSubmit={search}>
        <input
          className="input"
          name="about"
          defaultValue={subject}
          aria-label="A receipt’s id, or the id of a run, job or reservation"
          placeholder="A receipt’s id, or the id of a run, job or reservation"
          key={subject}
        />
        <Button type="submit" variant="default">
          Search
        </Button>
      </form>
      <Panel
        title={subject === undefined ? "Newest receipts" : "Receipts about it"}
        aside={subject === undefined ? null : <Id id={subject} />}
      >
        <Read of={receipts} lines={8}>
          {(page) =>
            page.receipts.length === 0 ? (
              <Empty title="No receipts">
                {subject === undefined
                  ? "The first command that asks for money or rights leaves one."
                  : "Nothing is receipted about this id in your organisation. Check that it is whole."}
              </Empty>
            ) : (
              <div className="oa-scroll" tabIndex={0} role="region" aria-label="Receipts">
                <table className="oa-table">
                  <thead>
                    <tr>
                      <th scope="col">What</th>
                      <th scope="col">Receipt</th>
                      <th scope="col">By</th>
                      <th scope="col" className="oa-end">
                        When
                      </th>
                    </tr>
                  </thead>
                  <tbody>
                    {page.receipts.map(({ receipt }) => {
                      const id = textAt(receipt, "receipt_id") ?? "";
                      return (
                        <tr key={id}>
                          <td>
                            <Link className="row-link" to="/receipts/$receiptId" params={{ receiptId: id }}>
                              {kindOf(textAt(receipt, "schema") ?? "")}
                            </Link>
                          </td>
                          <td className="oa-mono quiet">{id}</td>
                          <td>
                            <Id id={textAt(receipt, "actor") ?? ""} />
                          </td>
                          <td className="oa-end quiet">
                            <Time atMs={Date.parse(textAt(receipt, "occurred_at") ?? "")} />
                          </td>
                        </tr>
                      );
                    })}
                  </tbody>
                </table>
              </div>
            )
          }
        </Read>
      </Panel>
      <Pager cursors={cursors} nextCursor={receipts.data?.nextCursor} go={setCursors} />
    </Page>
  );
}

/** `openagents.treasury.budget_set.v1` as `Budget set`. */
export function kindOf(schema: string): string {
  return sentence(schema.split(".").at(-2) ?? schema);
}
