// What a user may say about codex's model, and where it comes from: options,
// the variable OPENAGENTS_CODEX_CONFIG, an OpenAI key, or the user's own login.

import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { AgentError } from "../agent.ts";

export type ModelProvider = {
  /** Of a Responses API, such as `https://api.openai.com/v1`. */
  readonly baseUrl: string;
  /** The variable that holds the key. Its value goes to codex's process and nowhere else. */
  readonly envKey: string;
};

export type CodexSettings = {
  readonly model?: string;
  /** Absent: the user's own codex login. */
  readonly modelProvider?: ModelProvider;
};

type Env = Readonly<Record<string, string | undefined>>;

/** Where the user's own codex keeps its login. */
export function userLoginFile(env: Env): string {
  return join(env["CODEX_HOME"] ?? join(env["HOME"] ?? homedir(), ".codex"), "auth.json");
}

/** Throws `AgentError` `codex_config_invalid` or `codex_not_signed_in`. */
export function settingsFrom(env: Env): CodexSettings {
  const text = env["OPENAGENTS_CODEX_CONFIG"];
  const settings = text === undefined ? {} : parseSettings(text);
  const envKey = settings.modelProvider?.envKey;
  if (envKey !== undefined) {
    if (!env[envKey]) throw invalid(`the variable ${envKey}, which should hold the key, is not set`);
    return settings;
  }
  if (existsSync(userLoginFile(env))) return settings;
  if (!env["OPENAI_API_KEY"])
    throw new AgentError(
      "codex_not_signed_in",
      "Codex has no login and no key. Run `npm install -g @openai/codex` and `codex login`, or set OPENAI_API_KEY.",
    );
  const modelProvider = { baseUrl: "https://api.openai.com/v1", envKey: "OPENAI_API_KEY" };
  return { ...settings, modelProvider };
}

function parseSettings(json: string): CodexSettings {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw invalid("it is not JSON");
  }
  const { model, modelProvider, ...others } = record(value, "it");
  refuseOthers(others);
  return {
    ...(model !== undefined && { model: word(model, "model") }),
    ...(modelProvider !== undefined && { modelProvider: parseProvider(modelProvider) }),
  };
}

function parseProvider(value: unknown): ModelProvider {
  const { baseUrl, envKey, wireApi, ...others } = record(value, "`modelProvider`");
  refuseOthers(others);
  if (wireApi !== undefined && wireApi !== "responses")
    throw invalid("`wireApi` must be `responses`, the only one that codex speaks");
  const url = word(baseUrl, "baseUrl");
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? "")) throw invalid("`baseUrl` must be an http address");
  const name = word(envKey, "envKey");
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw invalid("`envKey` must name a variable");
  return { baseUrl: url, envKey: name };
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalid(`${what} must be an object`);
  return { ...value };
}

function word(value: unknown, name: string): string {
  if (typeof value !== "string" || value === "" || value.length > 500)
    throw invalid(`\`${name}\` must be a text of 1 to 500 characters`);
  return value;
}

function refuseOthers(others: Record<string, unknown>): void {
  const [name] = Object.keys(others);
  if (name !== undefined) throw invalid(`it has a member \`${name}\` that means nothing`);
}

function invalid(problem: string): AgentError {
  return new AgentError("codex_config_invalid", `OPENAGENTS_CODEX_CONFIG cannot be used: ${problem}.`);
}
