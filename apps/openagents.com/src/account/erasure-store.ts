// SQL of erasing. Each statement says what stays, where something does.

import { statement, type Queryable, type Tx } from "@openagents/postgres";
import { streamId } from "@openagents/streams";

export type Erasure = { readonly userId: string; readonly closedOrgs: readonly string[] };

const LIST = statement(
  "erasures.list",
  `SELECT user_id, closed_orgs FROM control.erasures
    WHERE erased_at_ms IS NULL AND asked_at_ms <= $1 ORDER BY asked_at_ms LIMIT 20`,
);

export async function listErasures(q: Queryable, askedBeforeMs: number): Promise<Erasure[]> {
  const rows = await q.query<{ user_id: string; closed_orgs: string[] }>(LIST, [askedBeforeMs]);
  return rows.map((row) => ({ userId: row.user_id, closedOrgs: row.closed_orgs }));
}

const MARK = statement(
  "erasures.mark",
  "UPDATE control.erasures SET erased_at_ms = $2 WHERE user_id = $1 AND erased_at_ms IS NULL",
);

export async function markErased(tx: Tx, userId: string, nowMs: number): Promise<void> {
  await tx.query(MARK, [userId, nowMs]);
}

/** $1 is the person, $2 the organisations that ended: what is whose. */
const THREADS = "SELECT thread_id FROM control.threads WHERE owner = $1 OR org = ANY ($2)";
const WORKERS = "SELECT worker_id FROM control.codex_workers WHERE owner = $1 OR org = ANY ($2)";
const AUTOPILOTS = "SELECT autopilot_id FROM control.autopilots WHERE owner = $1 OR org = ANY ($2)";
const DEVICES = "SELECT device_id FROM control.devices WHERE owner_user_id = $1 OR org = ANY ($2)";

const LIST_THREADS = statement("erasures.list_threads", THREADS);
const LIST_WORKERS = statement("erasures.list_workers", WORKERS);

// Streams that are kept for ever hold no texts.
const RAISE_FLOORS = statement(
  "erasures.raise_floors",
  "UPDATE sync.stream_heads SET floor_seq = head_seq WHERE keep_newest IS NOT NULL AND stream_id = ANY ($1)",
);
const TRIM = statement(
  "erasures.trim_streams",
  `DELETE FROM sync.stream_events e USING sync.stream_heads h
    WHERE h.stream_id = e.stream_id AND h.keep_newest IS NOT NULL AND e.seq <= h.floor_seq
      AND e.stream_id = ANY ($1)`,
);

const EMPTY_OF_BOTH = [
  statement(
    "erasures.empty_messages",
    `UPDATE control.thread_messages SET text = '', tool = '{}', error = '{}' WHERE thread_id IN (${THREADS})`,
  ),
  statement(
    "erasures.empty_threads",
    `UPDATE control.threads SET title = '' WHERE thread_id IN (${THREADS})`,
  ),
  statement(
    "erasures.delete_calls",
    `DELETE FROM control.codex_worker_requests WHERE worker_id IN (${WORKERS})`,
  ),
  statement(
    "erasures.empty_workers",
    `UPDATE control.codex_workers SET status = 'stopped', name = worker_id, workspace_ref = '', metadata = '{}'
      WHERE worker_id IN (${WORKERS})`,
  ),
  // What a tool was to do outside; one whose outcome is not known yet needs it to be found out.
  statement(
    "erasures.empty_intents",
    `UPDATE authority.intents SET payload = '{}', detail = NULL
      WHERE status IN ('succeeded', 'failed') AND subject IN (
        SELECT execution_id FROM control.tool_executions WHERE autopilot_id IN (${AUTOPILOTS}))`,
  ),
  // What was run and spent stays, with its receipts.
  statement(
    "erasures.empty_executions",
    `UPDATE control.tool_executions SET arguments = '{}', result = '{}' WHERE autopilot_id IN (${AUTOPILOTS})`,
  ),
  statement(
    "erasures.empty_spends",
    `UPDATE control.autopilot_spends SET purpose = '' WHERE autopilot_id IN (${AUTOPILOTS})`,
  ),
  statement(
    "erasures.empty_autopilots",
    `UPDATE control.autopilots SET status = 'archived', visibility = 'private', handle = autopilot_id,
            display_name = '', tagline = '', profile = '{}' WHERE autopilot_id IN (${AUTOPILOTS})`,
  ),
  statement(
    "erasures.empty_devices",
    `UPDATE control.devices SET name = '', platform = '' WHERE device_id IN (${DEVICES})`,
  ),
  statement("erasures.delete_drafts", "DELETE FROM control.mail_drafts WHERE user_id = $1 OR org = ANY ($2)"),
  // What commands were answered; nobody can repeat them any more.
  statement(
    "erasures.empty_outcomes",
    `UPDATE authority.command_outcomes SET body = '' WHERE command_id IN (
       SELECT command_id FROM authority.commands WHERE principal = $1 OR principal IN (${DEVICES}))`,
  ),
  statement(
    "erasures.empty_answers",
    `UPDATE authority.commands SET body = '' WHERE principal = $1 OR principal IN (${DEVICES})`,
  ),
];

const EMPTY_OF_PERSON = [
  // The recipient's copy goes as well: it is what the person wrote.
  statement("erasures.delete_whispers", "DELETE FROM control.whispers WHERE sender = $1"),
  statement("erasures.delete_copies", "DELETE FROM control.whisper_copies WHERE user_id = $1"),
  // A handle stays taken, so that nobody is taken for its last owner, and is nobody's.
  statement(
    "erasures.leave_handles",
    "UPDATE control.handles SET user_id = 'usr_deleted' WHERE user_id = $1",
  ),
  statement(
    "erasures.empty_profile",
    "UPDATE control.profiles SET handle = NULL, display_name = '', bio = '' WHERE user_id = $1",
  ),
  statement(
    "erasures.empty_approvals",
    "UPDATE control.approvals SET title = '', detail = '', facts = '{}', answer = NULL WHERE user_id = $1",
  ),
];

const EMPTY_SHOUTS = statement(
  "erasures.empty_shouts",
  "UPDATE control.shouts SET body = '', gone_at_ms = $2 WHERE author = $1 AND gone_at_ms IS NULL",
);

/** Repeating it finds nothing more. */
export async function erase(tx: Tx, { userId, closedOrgs }: Erasure, nowMs: number): Promise<void> {
  const both = [userId, closedOrgs];
  const threads = await tx.query<{ thread_id: string }>(LIST_THREADS, both);
  const workers = await tx.query<{ worker_id: string }>(LIST_WORKERS, both);
  const streams = [
    ...threads.map(({ thread_id: id }) => streamId("thread", id)),
    ...workers.map(({ worker_id: id }) => streamId("worker_events", id)),
  ];
  await tx.query(RAISE_FLOORS, [streams]);
  await tx.query(TRIM, [streams]);
  for (const each of EMPTY_OF_BOTH) await tx.query(each, both);
  for (const each of EMPTY_OF_PERSON) await tx.query(each, [userId]);
  await tx.query(EMPTY_SHOUTS, [userId, nowMs]);
}
