/** JSON as receipts and payloads carry it. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export type JsonObject = { readonly [key: string]: JsonValue };

/** Thrown for text that is not JSON, or not JSON that has one canonical form. */
export class JsonError extends Error {
  override readonly name = "JsonError";
  /** Where in the text, in UTF-16 units; undefined for values. */
  readonly offset: number | undefined;

  constructor(message: string, offset?: number) {
    super(offset === undefined ? message : `${message} at offset ${offset}`);
    this.offset = offset;
  }
}
