import { statement, type Queryable, type Tx, type Write } from "@openagents/postgres";
import type { Person, Profile } from "./profile.ts";

type ProfileRow = {
  user_id: string;
  handle: string | null;
  display_name: string;
  bio: string;
  updated_at_ms: bigint;
};

const COLUMNS = "user_id, handle, display_name, bio, updated_at_ms";

function profileOf(row: ProfileRow): Profile {
  return {
    userId: row.user_id,
    handle: row.handle ?? undefined,
    displayName: row.display_name,
    bio: row.bio,
    updatedAtMs: Number(row.updated_at_ms),
  };
}

const FIND = statement("profiles.find", `SELECT ${COLUMNS} FROM control.profiles WHERE user_id = $1`);

export async function findProfile(q: Queryable, userId: string): Promise<Profile | undefined> {
  const [row] = await q.query<ProfileRow>(FIND, [userId]);
  return row === undefined ? undefined : profileOf(row);
}

const FIND_PERSON = statement(
  "profiles.find_person",
  `SELECT ${COLUMNS} FROM control.profiles WHERE (user_id = $1 OR handle = $2) AND handle IS NOT NULL`,
);

/** One with a handle, by `@handle` or by id. */
export async function findPerson(q: Queryable, ref: string): Promise<Person | undefined> {
  const isHandle = ref.startsWith("@");
  const values = isHandle ? [null, ref.slice(1)] : [ref, null];
  const [row] = await q.query<ProfileRow>(FIND_PERSON, values);
  return row === undefined || row.handle === null
    ? undefined
    : { userId: row.user_id, handle: row.handle, displayName: row.display_name };
}

const LOCK = statement(
  "profiles.lock",
  `SELECT ${COLUMNS} FROM control.profiles WHERE user_id = $1 FOR UPDATE`,
);

/** Until the transaction's end nobody else changes it, or counts what this person said. */
export async function lockProfile(tx: Tx, userId: string): Promise<Profile | undefined> {
  const [row] = await tx.query<ProfileRow>(LOCK, [userId]);
  return row === undefined ? undefined : profileOf(row);
}

// A name that is not there yet has no row to lock.
const LOCK_NAME = statement(
  "profiles.lock_name",
  "SELECT pg_advisory_xact_lock(hashtextextended($1, 45))::text AS locked",
);

const FIND_HANDLE = statement("handles.find", "SELECT user_id FROM control.handles WHERE handle = $1");

/** Whose a handle is, or was; until the transaction's end it becomes nobody else's. */
export async function lockHandle(tx: Tx, handle: string): Promise<string | undefined> {
  await tx.query(LOCK_NAME, [handle]);
  const [row] = await tx.query<{ user_id: string }>(FIND_HANDLE, [handle]);
  return row?.user_id;
}

/** Of a user who has no profile yet: two first changes take turns. */
export async function lockUser(tx: Tx, userId: string): Promise<void> {
  await tx.query(LOCK_NAME, [userId]);
}

export function insertHandle(handle: string, userId: string, nowMs: number): Write {
  return {
    name: "handles.insert",
    text: "INSERT INTO control.handles (handle, user_id, taken_at_ms) VALUES ($1, $2, $3)",
    values: [handle, userId, nowMs],
  };
}

export function upsertProfile(profile: Profile, nowMs: number): Write {
  return {
    name: "profiles.upsert",
    text: `INSERT INTO control.profiles (${COLUMNS}) VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT (user_id) DO UPDATE SET handle = excluded.handle,
             display_name = excluded.display_name, bio = excluded.bio, updated_at_ms = excluded.updated_at_ms`,
    values: [profile.userId, profile.handle ?? null, profile.displayName, profile.bio, nowMs],
  };
}
