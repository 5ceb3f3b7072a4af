import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { encodeBsatn } from "../bsatn/index.ts";
import {
  COMPRESSION,
  concatBytes,
  identityOfHex,
  serverMessage,
  type ServerMessage,
} from "../protocol/index.ts";
import { frameReader } from "./frames.ts";

function frame(token: string, compression: "none" | "gzip" | "brotli"): Uint8Array<ArrayBuffer> {
  const identity = identityOfHex("c2".repeat(32));
  const value = { identity, connectionId: { __connection_id__: 1n }, token };
  const payload = encodeBsatn(serverMessage, { tag: "InitialConnection", value });
  const body = compression === "gzip" ? gzipSync(payload) : payload;
  return concatBytes([Uint8Array.of(COMPRESSION[compression]), body]);
}

function tokenOf(message: ServerMessage): string {
  return message.tag === "InitialConnection" ? message.value.token : message.tag;
}

test("frames are heard in the order in which they came, whichever of them are compressed", async () => {
  const heard: string[] = [];
  const done = Promise.withResolvers<void>();
  const take = frameReader(
    () => "v3.bsatn.spacetimedb",
    (messages) => {
      heard.push(...messages.map(tokenOf));
      if (heard.length === 5) done.resolve();
    },
    done.reject,
  );
  take(frame("first", "none"));
  assert.deepEqual(heard, ["first"]);
  take(frame("second", "gzip"));
  take(frame("third", "none"));
  take(frame("fourth", "gzip"));
  take(frame("fifth", "none"));
  await done.promise;
  assert.deepEqual(heard, ["first", "second", "third", "fourth", "fifth"]);
});

test("what cannot be read is told, not passed over", async () => {
  for (const spoiled of [
    frame("a", "none").subarray(0, 20),
    frame("a", "gzip").subarray(0, 20),
    frame("a", "brotli"),
    new Uint8Array(0),
  ]) {
    const broken = Promise.withResolvers<unknown>();
    const take = frameReader(
      () => "v3.bsatn.spacetimedb",
      () => assert.fail("it was heard"),
      broken.resolve,
    );
    take(spoiled);
    assert.ok((await broken.promise) instanceof Error);
  }
});
