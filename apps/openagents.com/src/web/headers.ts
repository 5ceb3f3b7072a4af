// What browsers are told about every answer, and about pages on top. Pure.

/** Of every answer: nothing of this service is framed, or taken for a type that it was not sent as. */
export function answerHeaders(publicUrl: string | undefined): Readonly<Record<string, string>> {
  return {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    ...(publicUrl?.startsWith("https:") === true
      ? { "strict-transport-security": "max-age=31536000; includeSubDomains" }
      : {}),
  };
}

/** Of pages. Scripts come from files of this service alone, so that text that got into a page never runs. */
export function pageHeaders(syncUrl: string): Readonly<Record<string, string>> {
  const policy = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    // Pieces that move set their style by script, which this allows; no markup brings one.
    "style-src": ["'self'"],
    "img-src": ["'self'", "data:"],
    "font-src": ["'self'"],
    "connect-src": ["'self'", ...syncOrigins(syncUrl)],
    "manifest-src": ["'self'"],
    "worker-src": ["'self'"],
    "form-action": ["'self'"],
    "base-uri": ["'none'"],
    "frame-ancestors": ["'none'"],
  };
  return {
    "content-security-policy": Object.entries(policy)
      .map(([directive, sources]) => `${directive} ${sources.join(" ")}`)
      .join("; "),
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
  };
}

/** A loopback server has two names, and the page that asks decides which one it uses. */
function syncOrigins(syncUrl: string): string[] {
  const { protocol, hostname, port } = new URL(syncUrl);
  // A session's token is asked for over HTTP, and its events come over a socket.
  const schemes = protocol === "https:" || protocol === "wss:" ? ["https:", "wss:"] : ["http:", "ws:"];
  const names =
    hostname === "127.0.0.1" || hostname === "localhost" ? ["127.0.0.1", "localhost"] : [hostname];
  const at = port === "" ? "" : `:${port}`;
  return schemes.flatMap((scheme) => names.map((name) => `${scheme}//${name}${at}`));
}
