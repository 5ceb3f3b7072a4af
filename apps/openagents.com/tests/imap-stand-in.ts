// A stand-in for a mail server's IMAP, for tests: enough of RFC 3501 to be logged in to,
// read and searched, with an inbox and a folder of sent mail. Nothing in it is anybody's.

import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import type { TestContext } from "node:test";

export type ImapStandIn = {
  readonly port: number;
  readonly inbox: string[];
  readonly sent: string[];
  /** Logins that were tried, by name and password. */
  readonly logins: string[];
  /** Folders that were opened so that they could be changed. */
  readonly opened: string[];
};

export const IMAP_LOGIN = { user: "ann", password: 'pass "word"\\' };

export async function startImapStandIn(t: TestContext): Promise<ImapStandIn> {
  const standIn: ImapStandIn = { port: 0, inbox: [], sent: [], logins: [], opened: [] };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    converse(socket, standIn);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return Object.assign(standIn, { port: (server.address() as AddressInfo).port });
}

/** Collects commands, whose literals come after the line that announces them, and answers each. */
function converse(socket: Socket, standIn: ImapStandIn): void {
  let waiting = "";
  const session: Session = {
    standIn,
    folder: undefined,
    say: (line) => void socket.write(`${line}\r\n`, "latin1"),
  };
  session.say("* OK [CAPABILITY IMAP4rev1] stand-in");
  socket.on("error", () => undefined);
  socket.setEncoding("latin1");
  let invited = false;
  socket.on("data", (text: string) => {
    waiting += text;
    for (;;) {
      const command = /^([^\r\n]*?)(?:\{(\d+)\}\r\n([\s\S]*))?\r\n/.exec(waiting);
      if (command === null) return;
      const line = waiting.slice(0, waiting.indexOf("\r\n"));
      const announced = /^(.*)\{(\d+)\}$/.exec(line);
      if (announced === null) {
        waiting = waiting.slice(line.length + 2);
        answer(session, line, "");
        continue;
      }
      if (!invited) session.say("+ go on");
      invited = true;
      const [, head = "", length = "0"] = announced;
      const end = line.length + 2 + Number(length);
      if (waiting.length < end + 2) return;
      const literal = waiting.slice(line.length + 2, end);
      waiting = waiting.slice(end + 2);
      invited = false;
      answer(session, head, literal);
    }
  });
}

type Session = {
  readonly standIn: ImapStandIn;
  folder: string[] | undefined;
  readonly say: (line: string) => void;
};

function answer(session: Session, line: string, literal: string): void {
  const [, tag = "", verb = "", rest = ""] = /^(\S+) (UID \w+|\w+) ?(.*)$/.exec(line) ?? [];
  const ok = (text = "done") => session.say(`${tag} OK ${text}`);
  switch (verb.toUpperCase()) {
    case "CAPABILITY":
      session.say("* CAPABILITY IMAP4rev1");
      return ok();
    case "LOGIN": {
      const given = wordsOf(rest).join("\n");
      session.standIn.logins.push(given);
      const isGood = given === `${IMAP_LOGIN.user}\n${IMAP_LOGIN.password}`;
      return isGood ? ok() : session.say(`${tag} NO [AUTHENTICATIONFAILED] no`);
    }
    case "LIST":
      if (!rest.endsWith('""')) {
        session.say(String.raw`* LIST (\HasNoChildren) "/" INBOX`);
        session.say(String.raw`* LIST (\HasNoChildren \Sent) "/" Sent`);
      }
      return ok();
    case "SELECT":
    case "EXAMINE": {
      const [name = ""] = wordsOf(rest);
      if (verb.toUpperCase() === "SELECT") session.standIn.opened.push(name);
      session.folder = folderOf(session.standIn, name);
      session.say(String.raw`* FLAGS (\Seen)`);
      session.say(`* ${session.folder.length} EXISTS`);
      session.say("* OK [UIDVALIDITY 7] valid");
      session.say(`* OK [UIDNEXT ${session.folder.length + 1}] next`);
      return ok("[READ-ONLY] opened");
    }
    case "UID SEARCH": {
      const [, wanted] = /header message-id (\S+)/i.exec(rest.replaceAll('"', "")) ?? [];
      const uids = (session.folder ?? []).flatMap((mail, index) =>
        wanted === undefined || mail.includes(wanted) ? [index + 1] : [],
      );
      session.say(`* SEARCH ${uids.join(" ")}`.trim());
      return ok();
    }
    case "UID FETCH":
      for (const uid of uidsOf(rest, session.folder?.length ?? 0)) fetch(session, uid, rest);
      return ok();
    case "APPEND":
      folderOf(session.standIn, wordsOf(rest)[0] ?? "").push(literal);
      return ok();
    case "LOGOUT":
      session.say("* BYE");
      return ok();
    default:
      return session.say(`${tag} BAD not here`);
  }
}

function fetch(session: Session, uid: number, asked: string): void {
  const mail = session.folder?.[uid - 1];
  if (mail === undefined) return;
  const [, id] = /^message-id: (\S+)/im.exec(mail) ?? [];
  const messageId = id === undefined ? "NIL" : `"${id}"`;
  const parts = [`UID ${uid}`];
  if (/ENVELOPE/i.test(asked)) parts.push(`ENVELOPE (NIL "x" NIL NIL NIL NIL NIL NIL NIL ${messageId})`);
  if (/INTERNALDATE/i.test(asked)) parts.push(`INTERNALDATE "${dateOf(uid)}"`);
  const [, cut] = /BODY\.PEEK\[\]<0\.(\d+)>/i.exec(asked) ?? [];
  if (cut !== undefined) {
    const source = mail.slice(0, Number(cut));
    parts.push(`BODY[]<0> {${source.length}}\r\n${source}`);
  }
  session.say(`* ${uid} FETCH (${parts.join(" ")})`);
}

/** The later the newer, all of the last hour. */
function dateOf(uid: number): string {
  const [, day, month, year, time] =
    /^\w+, (\d+) (\w+) (\d+) ([\d:]+)/.exec(new Date(Date.now() - 3_600_000 + uid * 1000).toUTCString()) ??
    [];
  return `${day}-${month}-${year} ${time} +0000`;
}

function folderOf(standIn: ImapStandIn, name: string): string[] {
  return name === "Sent" ? standIn.sent : standIn.inbox;
}

function uidsOf(rest: string, length: number): number[] {
  const [set = ""] = rest.split(" ", 1);
  return set.split(",").flatMap((part) => {
    const [from = 0, to = from] = part.split(":").map((each) => (each === "*" ? length : Number(each)));
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  });
}

/** Atoms and quoted strings. */
function wordsOf(text: string): string[] {
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(
    ([, quoted, atom]) => quoted?.replaceAll(/\\(.)/g, "$1") ?? atom ?? "",
  );
}
