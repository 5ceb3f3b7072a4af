import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { settingsFrom } from "./settings.ts";

const NO_HOME = "/nowhere";
const provider = { baseUrl: "http://127.0.0.1:1/v1", envKey: "KEY" };

test("a provider that is named wins, then the user's login, then an OpenAI key; else it says how to sign in", async (t) => {
  const home = await mkdtemp(join(tmpdir(), "settings-"));
  t.after(() => rm(home, { recursive: true }));
  await writeFile(join(home, "auth.json"), "{}");
  const named = JSON.stringify({ model: "m", modelProvider: { ...provider, wireApi: "responses" } });
  assert.deepEqual(settingsFrom({ CODEX_HOME: home, OPENAGENTS_CODEX_CONFIG: named, KEY: "k" }), {
    model: "m",
    modelProvider: provider,
  });
  const both = { CODEX_HOME: home, OPENAI_API_KEY: "k", OPENAGENTS_CODEX_CONFIG: `{"model":"m"}` };
  assert.deepEqual(settingsFrom(both), { model: "m" });
  assert.deepEqual(settingsFrom({ HOME: NO_HOME, OPENAI_API_KEY: "k" }).modelProvider, {
    baseUrl: "https://api.openai.com/v1",
    envKey: "OPENAI_API_KEY",
  });
  assert.throws(() => settingsFrom({ HOME: NO_HOME }), {
    code: "codex_not_signed_in",
    message: /codex login/,
  });
});

test("a configuration that says anything unknown, or names a key that is not set, is refused", () => {
  for (const bad of [
    "{",
    "[]",
    `{"modle":"m"}`,
    `{"model":""}`,
    { modelProvider: { ...provider, wireApi: "chat" } },
    { modelProvider: { ...provider, key: "sk-in-the-open" } },
    { modelProvider: { ...provider, baseUrl: "file:///etc" } },
    { modelProvider: { ...provider, baseUrl: "127.0.0.1" } },
    { modelProvider: { ...provider, envKey: "A B" } },
    { modelProvider: { ...provider, envKey: "ABSENT" } },
  ]) {
    const text = typeof bad === "string" ? bad : JSON.stringify(bad);
    const env = { HOME: NO_HOME, KEY: "k", OPENAI_API_KEY: "k", OPENAGENTS_CODEX_CONFIG: text };
    assert.throws(() => settingsFrom(env), { code: "codex_config_invalid" }, text);
  }
});
