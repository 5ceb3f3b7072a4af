// A page that needs nothing of the console, for when there is none.

/** @param detail plain text; it is escaped here */
export function plainPage(
  title: string,
  detail: string,
): { readonly html: string; readonly headers: Readonly<Record<string, string>> } {
  return {
    html:
      `<!doctype html><html lang="en"><meta charset="utf-8">` +
      `<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">` +
      `<title>${escape(title)} | OpenAgents</title><h1>${escape(title)}</h1><p>${escape(detail)}</p></html>`,
    headers: {
      "cache-control": "no-store",
      "content-security-policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    },
  };
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
