// Reads of single rows that callers ask for at the same time, as one statement.
//
// A round trip costs both sides more than the row that it is made for. Whoever
// asks while others' reads are under way waits for the next statement and never
// joins one that was sent, so that each sees all that was committed before it asked.
// Held by gather.test.ts.

/** Statements at once: one is prepared and read here while the server works on the other. */
const RUNNING_MAX = 2;

/** Most keys of one statement. */
const KEYS_MAX = 128;

type Waiting<Key, Row> = { readonly key: Key; readonly done: PromiseWithResolvers<Row> };

/**
 * A read of one row from a read of many, which answers a row for each key, in
 * their order. What it throws, all that asked for one of its keys get.
 */
export function gatherReads<Key, Row>(
  read: (keys: readonly Key[]) => Promise<readonly Row[]>,
): (key: Key) => Promise<Row> {
  const waiting: Waiting<Key, Row>[] = [];
  let running = 0;
  /** Keys that they read. */
  let reading = 0;
  let begins = false;

  async function run(batch: readonly Waiting<Key, Row>[]): Promise<void> {
    running += 1;
    reading += batch.length;
    try {
      const rows = await read(batch.map(({ key }) => key));
      if (rows.length !== batch.length)
        throw new Error(`${batch.length} keys were read and ${rows.length} rows answered`);
      for (const [index, row] of rows.entries()) batch[index]?.done.resolve(row);
    } catch (error) {
      for (const { done } of batch) done.reject(error);
    }
    running -= 1;
    reading -= batch.length;
    beginSoon();
  }

  function begin(): void {
    begins = false;
    // A few beside many wait for more to come: a statement costs much the same for one as for ten.
    while (running < RUNNING_MAX && waiting.length > 0 && waiting.length * 2 >= reading)
      void run(waiting.splice(0, KEYS_MAX));
  }

  function beginSoon(): void {
    if (begins || running === RUNNING_MAX || waiting.length === 0) return;
    begins = true;
    // What arrives in the same turn of the event loop comes along.
    setImmediate(begin);
  }

  return (key) => {
    const done = Promise.withResolvers<Row>();
    waiting.push({ key, done });
    beginSoon();
    return done.promise;
  };
}
