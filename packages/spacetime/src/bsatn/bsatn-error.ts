/** Bytes that are not what the schema says, or a value that the schema cannot hold. */
export class BsatnError extends Error {
  override readonly name = "BsatnError";
}
