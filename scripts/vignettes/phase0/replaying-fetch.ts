// A `fetch` that sends every decided command a second time under its key, and
// holds the second answer against the first: the same bytes, marked as replayed.

export type Replay = {
  /** Such as `POST /internal/v1/runs`. */
  readonly command: string;
  readonly status: number;
  /** What was wrong with the second answer; undefined when it was as it must be. */
  readonly problem: string | undefined;
};

/** Reads, commands without a key, and answers that decide nothing are passed through once. */
export function replayingFetch(
  tell: (replay: Replay) => void,
  send: typeof globalThis.fetch = globalThis.fetch,
): typeof globalThis.fetch {
  return async (input, init) => {
    const first = await readWhole(await send(input, init));
    if (new Headers(init?.headers).has("idempotency-key") && isDecided(first)) {
      const { pathname } = new URL(input instanceof Request ? input.url : input);
      const second = await readWhole(await send(input, init));
      tell({
        command: `${init?.method ?? "GET"} ${pathname}`,
        status: first.status,
        problem: problemOf(first, second),
      });
    }
    return new Response(first.text, { status: first.status, headers: first.headers });
  };
}

type Whole = { readonly status: number; readonly headers: Headers; readonly text: string };

async function readWhole(response: Response): Promise<Whole> {
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** A refusal by a rule is an answer, and kept as one; a claim that found no job decided nothing. */
function isDecided({ status, text }: Whole): boolean {
  if (status < 300) return text !== "{}";
  return /"code":"refused_/.test(text);
}

function problemOf(first: Whole, second: Whole): string | undefined {
  if (second.status !== first.status) return `answered ${first.status}, then ${second.status}`;
  if (second.text !== first.text) return "answered other bytes the second time";
  if (second.headers.get("idempotent-replayed") !== "true")
    return "the second answer is not marked as replayed";
  return undefined;
}
