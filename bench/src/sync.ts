// Measures the bars of the sync lane (spec 5.4): subscribers, latency, fan-out,
// replay, memory. The producer appends as the authority does; the subscribers
// are a process of their own. Never a gate.

import { streamEventsWrite } from "@openagents/authority";
import {
  connect,
  migrate,
  mergeWrites,
  provisionDatabase,
  provisionRole,
  urlFor,
  type Database,
} from "@openagents/postgres";
import { MIGRATIONS } from "@openagents/runtime";
import { SYNC_AUDIENCE, grantStreamReads, type SyncServerConfig } from "@openagents/spacetime";
import { hashPayload, payloadText, streamId } from "@openagents/streams";
import { SignJWT, exportJWK, generateKeyPair } from "jose";
import { startProgram } from "./program.ts";
import type { ClientsQuestion, Delivered, Opened, Replayed } from "./sync-clients.ts";

const ISSUER = "bench";
const ORG = "org_bench";
const SUBSCRIBERS = 1_000;
const STREAMS = 100;
const EVENTS_PER_SECOND = 5_000;
const REPLAYED = 100_000;

const WARM_UP_SECONDS = 2;

/** How often the producer commits. */
const TICK_MS = 10;

export type SyncFigure = {
  readonly figure: string;
  readonly value: number;
  readonly unit: string;
  readonly bar: string;
  readonly reached: boolean | null;
  readonly note: string;
};

export async function measureSync(
  adminUrl: string,
  seconds: number,
  say: (line: string) => void,
): Promise<SyncFigure[]> {
  await using parts = new AsyncDisposableStack();
  const { db, config, token } = await prepare(adminUrl);
  parts.defer(() => db.close());
  const server = await startProgram<{ url: string }>("sync-server.ts", [JSON.stringify(config)]);
  parts.defer(() => server.stop());
  const clients = await startProgram("sync-clients.ts", []);
  parts.defer(() => clients.stop());
  const { url } = server.ready;
  const ask = <T>(question: ClientsQuestion) => clients.ask<T>(question);
  const before = server.memory().residentMb;

  say(
    `${STREAMS} subscribers, each on its own stream; ${EVENTS_PER_SECOND} events a second for ${seconds} s`,
  );
  const own = Array.from({ length: STREAMS }, (_, index) => streamId("run", `own_${index}`));
  await ask<Opened>({ open: own, url, token: await token(), readEvery: 1 });
  // What a process that has just started compiles is not what is measured.
  const warmed = ask<Delivered>({ deliveries: EVENTS_PER_SECOND * WARM_UP_SECONDS });
  await produce(db, own, EVENTS_PER_SECOND, WARM_UP_SECONDS);
  await warmed;
  const delivered = ask<Delivered>({ deliveries: EVENTS_PER_SECOND * seconds });
  const produced = await produce(db, own, EVENTS_PER_SECOND, seconds);
  const latency = await delivered;

  say(`one stream to ${SUBSCRIBERS} subscribers`);
  const shared = streamId("run", "shared");
  const open: ClientsQuestion = {
    open: Array.from({ length: SUBSCRIBERS }, () => shared),
    url,
    token: await token(),
    readEvery: 50,
  };
  const opened = await ask<Opened>(open);
  const withAll = server.memory().residentMb;
  const rate = 100;
  const fanned = ask<Delivered>({ deliveries: rate * seconds * SUBSCRIBERS });
  await produce(db, [shared], rate, seconds);
  const fanOut = await fanned;

  say(`replay of ${REPLAYED} events by one client`);
  const long = streamId("run", "long");
  for (let done = 0; done < REPLAYED; done += 5_000)
    await append(
      db,
      Array.from({ length: 5_000 }, () => long),
    );
  const replayed = await ask<Replayed>({ replay: long, url, token: await token(), events: REPLAYED });

  const memory = server.memory();
  return [
    {
      figure: "concurrent subscribers",
      value: SUBSCRIBERS + STREAMS,
      unit: "",
      bar: "1000",
      reached: true,
      note: `the last ${SUBSCRIBERS} in ${opened.seconds.toFixed(1)} s`,
    },
    {
      figure: "append to handler, p99",
      value: latency.p99Ms,
      unit: "ms",
      bar: "< 100",
      reached: produced >= EVENTS_PER_SECOND * 0.95 ? latency.p99Ms < 100 : null,
      note: `p50 ${latency.p50Ms.toFixed(1)} ms; ${produced.toFixed(0)} events/s appended; from before the append's transaction`,
    },
    {
      figure: "fan-out",
      value: (rate * seconds * SUBSCRIBERS) / fanOut.seconds,
      unit: "deliveries/s",
      bar: ">= 50000",
      reached: (rate * seconds * SUBSCRIBERS) / fanOut.seconds >= 50_000,
      note: `${rate} events/s offered, p99 ${fanOut.p99Ms.toFixed(0)} ms; one subscriber in 50 reads its events, the others count them`,
    },
    {
      figure: "replay",
      value: replayed.events / replayed.seconds,
      unit: "events/s",
      bar: ">= 50000",
      reached: replayed.events / replayed.seconds >= 50_000,
      note: `${replayed.events} events in ${replayed.seconds.toFixed(1)} s, each read whole by the client`,
    },
    {
      figure: "memory of the server",
      value: memory.residentMb,
      unit: "MB",
      bar: "flat",
      reached: null,
      note: `${before.toFixed(0)} at first, ${withAll.toFixed(0)} with all subscribers, ${memory.peakMb.toFixed(0)} at most`,
    },
  ];
}

/** Whoever renews its session every third minute never meets the end of a token. */
const RENEWED_IN_MINUTES = 3;

/** Most that memory may grow from the first half of a long load to the second. */
const FLAT = 1.05;

/**
 * The server's memory under the load of the bars, for so many minutes: every
 * subscriber reads all of its events, in order, and renews its session as its
 * tokens end. Throws at a gap.
 */
export async function measureSyncMemory(
  adminUrl: string,
  minutes: number,
  say: (line: string) => void,
): Promise<SyncFigure[]> {
  await using parts = new AsyncDisposableStack();
  const { db, config, token } = await prepare(adminUrl);
  parts.defer(() => db.close());
  const server = await startProgram<{ url: string }>("sync-server.ts", [JSON.stringify(config)]);
  parts.defer(() => server.stop());
  const clients = await startProgram("sync-clients.ts", []);
  parts.defer(() => clients.stop());
  const own = Array.from({ length: STREAMS }, (_, index) => streamId("run", `own_${index}`));
  const shared = streamId("run", "shared");
  const all = [...own, ...Array.from({ length: SUBSCRIBERS }, () => shared)];
  const { url } = server.ready;
  await clients.ask<Opened>({ open: all, url, token: await token(), readEvery: 1 });

  const residentMb: number[] = [];
  const p99Ms: number[] = [];
  const aTime = Math.ceil(all.length / RENEWED_IN_MINUTES);
  let appended = 0;
  for (let minute = 1; minute <= minutes; minute += 1) {
    const from = ((minute - 1) % RENEWED_IN_MINUTES) * aTime;
    const renewed = clients.ask<Opened>({ renew: await token(), from, through: from + aTime });
    const delivered = clients.ask<Delivered>({ deliveries: (EVENTS_PER_SECOND + SUBSCRIBERS) * 60 });
    const [rate] = await Promise.all([
      produce(db, own, EVENTS_PER_SECOND, 60),
      produce(db, [shared], 1, 60),
      renewed,
    ]);
    const latency = await delivered;
    appended += rate / minutes;
    residentMb.push(server.memory().residentMb);
    p99Ms.push(latency.p99Ms);
    say(
      `  minute ${minute}: ${residentMb.at(-1)?.toFixed(0)} MB, ${rate.toFixed(0)} events/s, p99 ${latency.p99Ms.toFixed(0)} ms`,
    );
  }
  const half = Math.ceil(minutes / 2);
  const growth = Math.max(...residentMb.slice(-half)) / Math.max(...residentMb.slice(0, half));
  return [
    {
      figure: `memory of the server over ${minutes} minutes, second half ÷ first`,
      value: growth,
      unit: "×",
      bar: `<= ${FLAT}`,
      reached: growth <= FLAT,
      note: `each minute, MB: ${residentMb.map((megabytes) => megabytes.toFixed(0)).join(", ")}; ${server.memory().peakMb.toFixed(0)} at most`,
    },
    {
      figure: "append to handler, p99 of the worst minute",
      value: Math.max(...p99Ms),
      unit: "ms",
      bar: "< 100",
      reached: Math.max(...p99Ms) < 100,
      note: `${appended.toFixed(0)} events/s to ${STREAMS} streams, ${SUBSCRIBERS} more subscribers on one of an event a second, every session renewed within ${RENEWED_IN_MINUTES} minutes`,
    },
  ];
}

async function prepare(adminUrl: string) {
  const role = (name: string) => ({ role: `bench_sync_${name}`, password: "bench" });
  const streams = await provisionDatabase(adminUrl, {
    database: "bench_sync_streams",
    owner: role("owner"),
    app: role("app"),
  });
  await migrate({ url: streams.ownerUrl, directories: MIGRATIONS, appRole: role("app").role });
  await provisionRole(adminUrl, role("reader"));
  await grantStreamReads(streams.ownerUrl, role("reader").role);
  const own = await provisionDatabase(adminUrl, {
    database: "bench_sync",
    owner: role("own_owner"),
    app: role("own_app"),
  });
  const { privateKey, publicKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const config: SyncServerConfig = {
    host: "127.0.0.1",
    port: 0,
    streamsDatabaseUrl: urlFor(adminUrl, "bench_sync_streams", role("reader")),
    controlStreamsDatabaseUrl: urlFor(adminUrl, "bench_sync_streams", role("reader")),
    databaseUrl: own.appUrl,
    ownerDatabaseUrl: own.ownerUrl,
    jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: "bench", alg: "EdDSA" }] },
    issuer: ISSUER,
    limits: { sessionsOfIdentity: 10_000 },
    version: "bench",
  };
  const token = () =>
    new SignJWT({ org: ORG, scopes: ["sync.subscribe"], streams: ["runtime.run.*.events"], sid: "ses_bench" })
      .setProtectedHeader({ alg: "EdDSA", kid: "bench" })
      .setIssuer(ISSUER)
      .setAudience(SYNC_AUDIENCE)
      .setSubject("usr_bench")
      .setJti("bench")
      .setIssuedAt()
      .setExpirationTime("300s")
      .sign(privateKey);
  return { db: connect({ url: streams.appUrl, applicationName: "bench" }), config, token };
}

/** Append at a rate, evenly over the streams. Answers the rate that there was. */
async function produce(
  db: Database,
  streamIds: readonly string[],
  perSecond: number,
  seconds: number,
): Promise<number> {
  const startedAtMs = performance.now();
  const total = perSecond * seconds;
  let done = 0;
  while (done < total) {
    const due = Math.min(total, Math.ceil(((performance.now() - startedAtMs) / 1000) * perSecond));
    if (due > done) {
      const from = done;
      await append(
        db,
        Array.from({ length: due - done }, (_, index) => streamIds[(from + index) % streamIds.length] ?? ""),
      );
      done = due;
    }
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  return total / ((performance.now() - startedAtMs) / 1000);
}

/** In one transaction, and announced behind it, as the authority does. */
async function append(db: Database, streamIds: readonly string[]): Promise<void> {
  const now = Date.now();
  const payload = payloadText("bench.happened", now, {
    at: Math.round(performance.timeOrigin + performance.now()),
    text: "x".repeat(120),
  });
  const payloadHash = hashPayload(payload);
  const drafts = streamIds.map((id) => ({
    streamId: id,
    tenant: ORG,
    keepNewest: undefined,
    payloadHash,
    payload,
    committedAtMs: now,
  }));
  const { statement, values } = mergeWrites([streamEventsWrite(drafts)]);
  await db.query(statement, values);
  const ids = [...new Set(streamIds)];
  for (let start = 0; start < ids.length; start += 100) {
    await db.notify("openagents_streams", ids.slice(start, start + 100).join("\n"));
  }
}
