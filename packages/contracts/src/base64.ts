// Standard padded base64 (RFC 4648 §4), strict, in browsers too.

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Pattern of the accepted form, for schemas. */
export const BASE64_PATTERN = BASE64.source;

/** Bytes of a text; undefined when it is not base64 or spells its last bits in another way than we do. */
export function parseBase64(text: string): Uint8Array | undefined {
  if (!BASE64.test(text)) return undefined;
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return printBase64(bytes) === text ? bytes : undefined;
}

export function printBase64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}
