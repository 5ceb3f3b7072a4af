// Stands in for the descriptor of `buf.validate` in the browser's build. Rules of
// requests are checked by services, and the client reads none of them, so the
// sixteen kilobytes that say how rules are written are left out.

import type { GenFile } from "@bufbuild/protobuf/codegenv2";
import { fileDesc } from "@bufbuild/protobuf/codegenv2";

/** A file of the same name, and nothing in it. */
export const file_buf_validate_validate: GenFile = /*@__PURE__*/ fileDesc(
  "ChtidWYvdmFsaWRhdGUvdmFsaWRhdGUucHJvdG8SDGJ1Zi52YWxpZGF0ZWIGcHJvdG8y",
);
