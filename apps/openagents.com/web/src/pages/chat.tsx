import { Button } from "@mantine/core";
import { Threads, type Thread, type ThreadMessage } from "@openagents/contracts";
import { sentence } from "@openagents/ui";
import { Badge, Empty, Problem, Time } from "@openagents/ui/react";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useMemo, useRef, useState, type KeyboardEvent } from "react";
import { client, useRead } from "../api.ts";
import { queries } from "../queries.ts";
import { readAgain } from "../live/read-again.ts";
import { usePace, useStream } from "../live/use-live.ts";
import { Page } from "../shell/page.tsx";
import { Read } from "../shell/read.tsx";
import { agentOf, useDevices } from "./devices-reads.ts";

const PendingApprovals = lazy(async () => ({
  default: (await import("./chat-approvals.tsx")).PendingApprovals,
}));

/** Threads with an agent on a device of yours. What it says comes as it says it. */
export function ChatPage() {
  const { threadId } = useParams({ strict: false });
  const threads = useRead(
    ["threads"],
    (signal) => client(Threads).listThreads({ limit: 50 }, { signal }),
    usePace(),
  );
  return (
    <Page
      title="Chat"
      lead="You talk to an agent on your own computer; your words reach it wherever you are."
      actions={<NewThread />}
    >
      <Read of={threads} lines={8}>
        {({ threads: all }) =>
          all.length === 0 ? (
            <section className="oa-panel">
              <Empty title="No threads yet" action={<NewThread />}>
                A thread is a conversation with an agent. It needs a device of yours that runs one.
              </Empty>
            </section>
          ) : (
            <div className="chat">
              <aside aria-label="Threads">
                {all.map((thread) => (
                  <Link
                    key={thread.threadId}
                    className="nav-item"
                    to="/chat/$threadId"
                    params={{ threadId: thread.threadId }}
                  >
                    <span className="clip">{titleOf(thread)}</span>
                  </Link>
                ))}
              </aside>
              <Talk key={threadId} thread={all.find((each) => each.threadId === threadId) ?? all[0]} />
            </div>
          )
        }
      </Read>
    </Page>
  );
}

function titleOf(thread: Thread): string {
  return thread.title === "" ? "Untitled" : thread.title;
}

function NewThread() {
  const navigate = useNavigate();
  const [error, setError] = useState<unknown>();
  const devices = useDevices();
  const workerId = agentOf(devices.data);
  const begin = async () => {
    setError(undefined);
    try {
      const { thread } = await client(Threads).createThread(workerId === undefined ? {} : { workerId });
      await queries.invalidateQueries({ queryKey: ["threads"] });
      await navigate({ to: "/chat/$threadId", params: { threadId: thread.threadId } });
    } catch (failure) {
      setError(failure);
    }
  };
  return (
    <>
      <Button
        size="sm"
        disabled={workerId === undefined}
        title={workerId === undefined ? "No device of yours runs an agent now." : undefined}
        onClick={() => void begin()}
      >
        New thread
      </Button>
      {devices.data !== undefined && workerId === undefined ? (
        <span className="reason">No device of yours runs an agent yet.</span>
      ) : null}
      {error === undefined ? null : <Problem error={error} />}
    </>
  );
}

function Talk({ thread }: { readonly thread: Thread | undefined }) {
  const threadId = thread?.threadId ?? "";
  const again = useMemo(() => readAgain(["messages", threadId]), [threadId]);
  useStream(thread?.streamId, again);
  const { everyMs } = usePace(15_000, 1_500);
  const messages = useRead(
    ["messages", threadId],
    (signal) => client(Threads).listThreadMessages({ threadId, limit: 100 }, { signal }),
    { everyMs, enabled: threadId !== "" },
  );
  const place = useRef<HTMLDivElement>(null);
  const last = messages.data?.messages.at(-1);
  useEffect(() => {
    place.current?.scrollTo({ top: place.current.scrollHeight });
  }, [last?.messageId, last?.text]);
  const busy = isAwaited(last);
  return (
    <div className="talk">
      <div className="messages" ref={place} tabIndex={0} role="log" aria-label="Messages">
        <Read of={messages}>
          {({ messages: all }) =>
            all.length === 0 ? (
              <Empty title="Say what you want done">The agent answers here, and shows what it does.</Empty>
            ) : (
              all.map((message) => <Message key={message.messageId} message={message} />)
            )
          }
        </Read>
        <Suspense fallback={null}>
          <PendingApprovals />
        </Suspense>
      </div>
      <Composer threadId={threadId} busy={busy} sent={again} />
    </div>
  );
}

/** Whether the agent owes words after this message. */
function isAwaited(last: ThreadMessage | undefined): boolean {
  return last?.status === "streaming" || last?.role === "user";
}

function Message({ message }: { readonly message: ThreadMessage }) {
  const failed = message.status === "failed";
  const code = message.error["code"];
  return (
    <div className={message.role === "tool" ? "card" : "message"} data-from={message.role}>
      {message.role === "tool" ? <ToolCard message={message} /> : message.text}
      {message.status === "streaming" ? <Badge word="leased" /> : null}
      {failed ? (
        <p className="oa-fine" role="alert">
          Not delivered: {typeof code === "string" ? sentence(code) : "no reason was given"}.
        </p>
      ) : null}
      <div className="oa-fine">
        <Time atMs={message.createdAt} />
      </div>
    </div>
  );
}

function ToolCard({ message }: { readonly message: ThreadMessage }) {
  const { name, ...facts } = message.tool;
  return (
    <>
      <h3>{typeof name === "string" ? name : "Tool"}</h3>
      {message.text === "" ? null : (
        <pre className="oa-output" tabIndex={0}>
          {message.text}
        </pre>
      )}
      {Object.keys(facts).length === 0 ? null : (
        <details>
          <summary className="oa-fine">Details</summary>
          <pre className="oa-output" tabIndex={0}>
            {JSON.stringify(facts, null, 2)}
          </pre>
        </details>
      )}
    </>
  );
}

type ComposerProps = { readonly threadId: string; readonly busy: boolean; readonly sent: () => void };

function Composer({ threadId, busy, sent }: ComposerProps) {
  const field = useRef<HTMLTextAreaElement>(null);
  const [sending, setSending] = useState(false);
  const [error, setError] = useState<unknown>();
  const [offline, setOffline] = useState(false);
  const attempt = async (work: () => Promise<void>) => {
    setSending(true);
    setError(undefined);
    try {
      await work();
      sent();
    } catch (failure) {
      setError(failure);
    } finally {
      setSending(false);
    }
  };
  const send = () =>
    attempt(async () => {
      const text = field.current?.value.trim() ?? "";
      if (text === "") return;
      const { deviceOnline } = await client(Threads).postThreadMessage({ threadId, text });
      setOffline(!deviceOnline);
      if (field.current !== null) field.current.value = "";
    });
  const interrupt = () => attempt(async () => void (await client(Threads).interruptThread({ threadId })));
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    void send();
  };
  return (
    <div>
      {offline ? (
        <div className="oa-body row">
          <Badge word="stale" />{" "}
          <span className="quiet">The device is not connected; it gets your words when it is.</span>
        </div>
      ) : null}
      {error === undefined ? null : <Problem error={error} />}
      <div className="composer">
        <textarea
          ref={field}
          className="input"
          rows={2}
          aria-label="Message"
          placeholder="Write to the agent. Enter sends, Shift and Enter makes a line."
          onKeyDown={onKey}
        />
        <div className="row">
          {busy ? (
            <Button variant="default" onClick={() => void interrupt()}>
              Stop
            </Button>
          ) : null}
          <Button loading={sending} onClick={() => void send()}>
            Send
          </Button>
        </div>
      </div>
    </div>
  );
}
