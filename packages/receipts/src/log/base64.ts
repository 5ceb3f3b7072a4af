// Base 64 of RFC 4648 §4 with its padding. Decoding takes one spelling only.

export function encodeBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

/** Undefined for every text that `encodeBase64` does not give. */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) return undefined;
  const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  // The last digit has bits that count for nothing.
  return encodeBase64(bytes) === text ? bytes : undefined;
}
