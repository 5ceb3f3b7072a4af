import { ScalarType } from "@bufbuild/protobuf";

/** The plain TypeScript type of a scalar. Throws for the ones that the contract does not use, naming the field. */
export function scalarType(scalar: ScalarType, field: string): string {
  switch (scalar) {
    case ScalarType.INT64:
    case ScalarType.UINT64:
      return "bigint";
    case ScalarType.INT32:
    case ScalarType.UINT32:
    case ScalarType.DOUBLE:
      return "number";
    case ScalarType.BOOL:
      return "boolean";
    case ScalarType.STRING:
      return "string";
    case ScalarType.BYTES:
      return "Uint8Array";
    default:
      throw new Error(
        `${field} is of scalar type ${scalar}; use int32, int64, uint32, uint64, double, bool, string or bytes`,
      );
  }
}
