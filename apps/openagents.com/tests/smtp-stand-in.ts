// A stand-in for a mail server, for tests: enough of SMTP (RFC 5321) to take one
// mail after another and keep what was said on the wire. It delivers nothing.

import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";

export type TakenMail = {
  readonly from: string;
  readonly recipients: readonly string[];
  /** Headers and body as they came. */
  readonly content: string;
};

export type SmtpStandIn = {
  readonly url: string;
  readonly taken: readonly TakenMail[];
  /** What it answers to the end of a mail instead of taking it. */
  refusal: string | undefined;
  /** Whether it takes a mail and goes away without a word. */
  dropsAfterData: boolean;
};

export async function startSmtpStandIn(t: TestContext): Promise<SmtpStandIn> {
  const taken: TakenMail[] = [];
  const server = createServer((socket) => void converse(socket, taken, standIn));
  const standIn: SmtpStandIn = { url: "", taken, refusal: undefined, dropsAfterData: false };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  return Object.assign(standIn, { url: `smtp://127.0.0.1:${port}` });
}

async function converse(
  socket: Socket,
  taken: TakenMail[],
  standIn: Pick<SmtpStandIn, "refusal" | "dropsAfterData">,
): Promise<void> {
  socket.on("error", () => {});
  const say = (line: string) => socket.write(`${line}\r\n`);
  say("220 stand-in");
  let [from, recipients, content]: [string, string[], string[] | undefined] = ["", [], undefined];
  for await (const line of createInterface({ input: socket })) {
    if (content !== undefined) {
      if (line !== ".") {
        content.push(line.replace(/^\./, ""));
        continue;
      }
      const refused = standIn.refusal;
      if (refused === undefined) taken.push({ from, recipients, content: content.join("\n") });
      if (standIn.dropsAfterData) {
        socket.destroy();
        return;
      }
      say(refused ?? "250 taken");
      [from, recipients, content] = ["", [], undefined];
      continue;
    }
    const verb = line.slice(0, 4).toUpperCase();
    if (verb === "MAIL") from = /<(.*?)>/.exec(line)?.[1] ?? "";
    if (verb === "RCPT") recipients.push(/<(.*?)>/.exec(line)?.[1] ?? "");
    if (verb === "DATA") content = [];
    say(verb === "DATA" ? "354 go on" : verb === "QUIT" ? "221 bye" : "250 ok");
    if (verb === "QUIT") socket.end();
  }
}
