import pg from "pg";

export type Listener = { close(): Promise<void> };

const RECONNECT_MS_MIN = 100;
const RECONNECT_MS_MAX = 5_000;

/**
 * Hear a channel over one dedicated connection. Notifications that arrive while
 * it is down are lost, so the handler is called with "" after each reconnect
 * and must look for itself. Throws when the first connection fails.
 */
export async function listen(
  config: pg.ClientConfig,
  channel: string,
  handler: (payload: string) => void,
): Promise<Listener> {
  let closed = false;
  let retryMs = RECONNECT_MS_MIN;
  let timer: NodeJS.Timeout | undefined;
  let client = await open();

  async function open(): Promise<pg.Client> {
    const opened = new pg.Client(config);
    // Without a listener for errors, a lost connection would end the process.
    opened.on("error", ignoreLoss);
    opened.once("end", reconnectSoon);
    opened.on("notification", ({ payload }) => handler(payload ?? ""));
    try {
      await opened.connect();
      await opened.query(`LISTEN ${pg.escapeIdentifier(channel)}`);
      return opened;
    } catch (error) {
      opened.removeListener("end", reconnectSoon);
      await opened.end().catch(ignoreLoss);
      throw error;
    }
  }

  function reconnectSoon(): void {
    if (closed) return;
    timer = setTimeout(() => void reconnect(), retryMs);
    retryMs = Math.min(retryMs * 2, RECONNECT_MS_MAX);
  }

  async function reconnect(): Promise<void> {
    try {
      client = await open();
      retryMs = RECONNECT_MS_MIN;
      if (closed) await client.end();
      else handler("");
    } catch {
      reconnectSoon();
    }
  }

  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      await client.end().catch(ignoreLoss);
    },
  };
}

function ignoreLoss(): void {}
