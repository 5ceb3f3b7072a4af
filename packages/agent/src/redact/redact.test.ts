import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createRedactor, secretsOf } from "./index.ts";

const secret = fc.string({ unit: "grapheme", minLength: 8, maxLength: 60 }).filter(isUsable);
const words = fc.string({ unit: "grapheme", maxLength: 40 });

/** The mark itself is in every answer, so what is a part of it cannot be told apart. */
function isUsable(text: string): boolean {
  return text.length >= 8 && text.trim() === text && !"[redacted]".includes(text);
}

const SPELLINGS: Record<string, (text: string) => string> = {
  plain: (text) => text,
  url: encodeURIComponent,
  form: (text) => new URLSearchParams({ a: text }).toString().slice(2),
  json: (text) => JSON.stringify(text).slice(1, -1),
  hex: (text) => Buffer.from(text).toString("hex"),
  base64: (text) => Buffer.from(text).toString("base64").replace(/=+$/, ""),
  base64url: (text) => Buffer.from(text).toString("base64url"),
};

test("no secret survives, in any of its spellings, wherever it stands", () => {
  for (const [name, spell] of Object.entries(SPELLINGS)) {
    fc.assert(
      fc.property(
        fc.array(secret, { minLength: 1, maxLength: 4 }),
        words,
        words,
        (secrets, before, after) => {
          const redact = createRedactor(secrets);
          for (const value of secrets) {
            const text = redact(`${before}${spell(value)}${after}`);
            assert.ok(!text.includes(spell(value)), `${name}: ${text}`);
          }
        },
      ),
      { numRuns: 200 },
    );
  }
});

test("base64 of something that holds a secret does not hold the secret, wherever it begins and however it is wrapped", () => {
  fc.assert(
    fc.property(secret, words, words, fc.integer({ min: 4, max: 76 }), (value, before, after, width) => {
      const encoded = Buffer.from(before + value + after).toString("base64");
      const wrapped = encoded.replace(new RegExp(`(.{${width}})`, "g"), "$1\n");
      const left = createRedactor([value])(wrapped).replaceAll("\n", "");
      const decoded = left.split("[redacted]").map((part) => Buffer.from(part, "base64").toString());
      assert.ok(decoded.every((part) => !part.includes(value)));
      assert.ok(left.includes("[redacted]"));
    }),
  );
});

test("a text that was cut inside of a secret keeps no more than seven characters of it", () => {
  const redact = createRedactor(["correct-horse-battery"]);
  assert.equal(redact("horse-battery is the end"), "[redacted] is the end");
  assert.equal(redact("it begins with correct-hor"), "it begins with [redacted]");
});

test("a secret inside another secret does not leave the rest of it standing", () => {
  assert.equal(createRedactor(["password", "my-password-1234"])("is my-password-1234!"), "is [redacted]!");
});

test("every long line of a secret of many lines is a secret", () => {
  const redact = createRedactor(["first-line-of-the-key\nsecond-line-of-the-key"]);
  assert.equal(redact("| second-line-of-the-key |"), "| [redacted] |");
});

test("tokens are known by their shape, and ordinary words are left alone", () => {
  const redact = createRedactor([]);
  for (const token of [
    `sk-${"a1".repeat(12)}`,
    `sk-ant-api03-${"b2".repeat(12)}`,
    `ghp_${"c3".repeat(18)}`,
    `github_pat_${"d4".repeat(20)}`,
    `glpat-${"e5".repeat(10)}`,
    `npm_${"f6".repeat(18)}`,
    "AKIAIOSFODNN7EXAMPLE",
    `xoxb-${"12".repeat(10)}`,
    `eyJhbGciOiJIUzI1NiJ9.${"eyJzdWIiOiIxIn0"}.${"abc-_".repeat(4)}`,
    `nsec1${"q".repeat(58)}`,
    `0201036c6e64${"02".repeat(60)}`,
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\ncut before its end",
  ])
    assert.equal(redact(`a ${token}`), "a [redacted]");
  const plain =
    "task-based risk-free sk-learn npm_config_cache eyJ nsec1 /usr/bin/desk-top-application-name 0201 AKIA";
  assert.equal(redact(plain), plain);
});

test("secrets are the values of variables that say so, and passwords in addresses", () => {
  const env = {
    OPENAI_API_KEY: "value-of-the-key",
    GITHUB_TOKEN: "value-of-the-token",
    GITHUBTOKEN: "value-of-another",
    AWS_SECRET_ACCESS_KEY: "value-of-the-access-key",
    DATABASE_URL: "postgres://user:pass-in-address@host/db",
    npm_config__authToken: "value-of-npm",
    SHORT_TOKEN: "1234567",
    SSH_AUTH_SOCK: "/run/user/agent.sock",
    TOKEN_FILE: "/run/secrets/token",
    PATH: "/usr/bin:/bin",
    MONKEY: "business-as-usual",
    EMPTY_KEY: undefined,
  };
  assert.deepEqual(secretsOf(env).sort(), [
    "pass-in-address",
    "value-of-another",
    "value-of-npm",
    "value-of-the-access-key",
    "value-of-the-key",
    "value-of-the-token",
  ]);
});
