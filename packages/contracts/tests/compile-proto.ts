// Descriptors of proto text that a test makes up, by the same compiler that the
// contract is generated with.

import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createFileRegistry, fromBinary, type DescMessage, type DescService } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { Contract } from "../src/contract.ts";

export type CompiledProto = {
  /** A message of package `test.v1`. */
  message(name: string): DescMessage;
  contract(name: string): Contract;
};

const PROTO = fileURLToPath(new URL("../../../proto", import.meta.url));

/** Compile declarations as package `test.v1`, with what our own files import at hand. */
export function compileProto(declarations: string): CompiledProto {
  const folder = mkdtempSync(join(tmpdir(), "oa-proto-"));
  try {
    cpSync(PROTO, folder, { recursive: true });
    writeFileSync(join(folder, "test.proto"), `${HEADER}\n${declarations}\n`);
    const buf = join(
      dirname(createRequire(import.meta.url).resolve("@bufbuild/buf/package.json")),
      "bin/buf",
    );
    const built = spawnSync(process.execPath, [buf, "build", folder, "--output", "-#format=binpb"]);
    if (built.status !== 0) throw new Error(`buf build: ${String(built.stderr)}`);
    const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, built.stdout));
    return {
      message: (name) => found(registry.getMessage(`test.v1.${name}`), name),
      contract: (name) => ({
        service: found<DescService>(registry.getService(`test.v1.${name}`), name),
        comments: {},
      }),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function found<T>(desc: T | undefined, name: string): T {
  if (desc === undefined) throw new Error(`the test's proto declares no ${name}`);
  return desc;
}

const HEADER = `
syntax = "proto3";
package test.v1;
import "buf/validate/validate.proto";
import "google/api/annotations.proto";
import "google/api/httpbody.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto";
import "openagents/protocol/v1/route.proto";
`;
