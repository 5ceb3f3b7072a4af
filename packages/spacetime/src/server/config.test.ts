import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError } from "@openagents/service";
import { configFromEnv } from "./config.ts";

const ENV = {
  SYNC_STREAMS_DATABASE_URL: "postgres://reader@127.0.0.1/runtime",
  SYNC_CONTROL_STREAMS_DATABASE_URL: "postgres://reader@127.0.0.1/control",
  SYNC_DATABASE_URL: "postgres://app@127.0.0.1/sync",
  OPENAGENTS_JWKS_URL: "http://127.0.0.1:4000/jwks",
  OPENAGENTS_ISSUER: "https://control.example",
};

test("a server that runs alone needs its databases, keys and issuer, and names what is missing", () => {
  const config = configFromEnv(ENV);
  assert.deepEqual([config.host, config.port], ["127.0.0.1", 3000]);
  assert.equal(config.ownerDatabaseUrl, undefined);
  for (const name of Object.keys(ENV)) {
    const without = Object.fromEntries(Object.entries(ENV).filter(([key]) => key !== name));
    assert.throws(
      () => configFromEnv(without),
      (error) => error instanceof ConfigError && error.message.includes(name),
    );
  }
  for (const port of ["x", "-1", "65536", "1.5"]) {
    assert.throws(() => configFromEnv({ ...ENV, SYNC_PORT: port }), ConfigError);
  }
});
