// Where the work begins: what `--repo` names, as typed.

import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { AutopilotError } from "../autopilot-error.ts";

export type Source =
  | { readonly kind: "folder"; readonly path: string }
  | { readonly kind: "url"; readonly url: string; readonly network: "https" | "ssh" };

/**
 * A folder, or an address that git may fetch from: https, ssh, `user@host:path`,
 * or file, which is the folder that it names. Throws `repo_url_unsupported` and
 * `repo_url_has_credentials`.
 */
export function parseSource(text: string, cwd: string): Source {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):(?:\/\/|:)/.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) {
    // `user@host:path`, git's short form of ssh.
    return /^[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+:[^:]/.test(text)
      ? { kind: "url", url: text, network: "ssh" }
      : { kind: "folder", path: resolve(cwd, text) };
  }
  if (!URL.canParse(text)) throw unsupported(text);
  const url = new URL(text);
  // Git would keep the password in the clone, and its errors would show it.
  if (url.password !== "" || (scheme === "https" && url.username !== "")) {
    throw new AutopilotError(
      "repo_url_has_credentials",
      "The repository's address has a password or token in it. Clone it yourself, and give the folder.",
    );
  }
  if (scheme === "file" && url.host === "") return { kind: "folder", path: fileURLToPath(url) };
  if (scheme === "https" || scheme === "ssh") return { kind: "url", url: text, network: scheme };
  throw unsupported(text);
}

function unsupported(text: string): AutopilotError {
  return new AutopilotError(
    "repo_url_unsupported",
    `${text} is not an address that can be cloned. Give a folder, or an https:, ssh: or file: address.`,
  );
}
