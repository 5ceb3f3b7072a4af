// pgbench, the yardstick: its TPC-B-like transaction on the same server, with
// the same number of clients, in the same run.

import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { connect } from "@openagents/postgres";

const run = promisify(execFile);

const SCALE = 20;

export type Pgbench = {
  /** Undefined when not one transaction ended in time, as happens on a machine that others keep busy. */
  tps(clients: number, seconds: number): Promise<number | undefined>;
};

/** Undefined when pgbench is not installed. */
export async function preparePgbench(adminUrl: string): Promise<Pgbench | undefined> {
  const program = findPgbench();
  if (program === undefined) return undefined;
  const admin = connect({ url: adminUrl, applicationName: "bench" });
  await admin.query({ name: "", text: "CREATE DATABASE pgbench" });
  await admin.close();
  const url = new URL(adminUrl);
  const env = {
    ...process.env,
    PGHOST: url.hostname,
    PGPORT: url.port,
    PGUSER: url.username,
    PGPASSWORD: url.password,
    PGDATABASE: "pgbench",
  };
  await run(program, ["-i", "-q", "-s", String(SCALE)], { env });
  return {
    async tps(clients, seconds) {
      const args = ["-M", "prepared", "-c", String(clients), "-j", "2", "-T", String(seconds), "-n"];
      const { stdout } = await run(program, args, { env });
      const tps = /tps = ([0-9.]+)/.exec(stdout)?.[1];
      return tps === undefined ? undefined : Number(tps);
    },
  };
}

function findPgbench(): string | undefined {
  const versions = "/usr/lib/postgresql";
  const folders = existsSync(versions)
    ? readdirSync(versions).map((each) => join(versions, each, "bin"))
    : [];
  return ["/usr/bin", "/usr/local/bin", ...folders]
    .map((folder) => join(folder, "pgbench"))
    .find((program) => existsSync(program));
}
