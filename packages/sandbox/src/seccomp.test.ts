import assert from "node:assert/strict";
import { test } from "node:test";
import { seccompFilter, type SeccompArch } from "./seccomp.ts";

type Call = { readonly arch: number; readonly number: number; readonly args?: readonly number[] };

const ALLOW = 0x7fff0000;
const KILL = 0x80000000;
const errno = (code: number) => 0x00050000 | code;

/** What the kernel does with the program: a small machine with one register (bpf(4), for the operations that we use). */
function judge(filter: Buffer, { arch, number, args = [] }: Call): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(number >>> 0, 0);
  data.writeUInt32LE(arch >>> 0, 4);
  args.forEach((value, index) => data.writeBigUInt64LE(BigInt(value), 16 + 8 * index));
  let register = 0;
  for (let at = 0; ; at += 1) {
    assert.ok(at * 8 < filter.length, "the program runs past its end");
    const code = filter.readUInt16LE(at * 8);
    const [yes, no] = [filter.readUInt8(at * 8 + 2), filter.readUInt8(at * 8 + 3)];
    const value = filter.readUInt32LE(at * 8 + 4);
    if (code === 0x20) register = data.readUInt32LE(value);
    else if (code === 0x06) return value;
    else if (code === 0x15) at += register === value ? yes : no;
    else if (code === 0x35) at += register >= value ? yes : no;
    else if (code === 0x45) at += (register & value) !== 0 ? yes : no;
    else assert.fail(`unknown operation ${code}`);
  }
}

const archs: Readonly<
  Record<SeccompArch, { readonly audit: number; readonly calls: Readonly<Record<string, number>> }>
> = {
  x64: {
    audit: 0xc000003e,
    calls: {
      read: 0,
      write: 1,
      openat: 257,
      execve: 59,
      futex: 202,
      clone: 56,
      socket: 41,
      ioctl: 16,
      mount: 165,
      umount2: 166,
      pivot_root: 155,
      ptrace: 101,
      bpf: 321,
      perf_event_open: 298,
      keyctl: 250,
      add_key: 248,
      request_key: 249,
      userfaultfd: 323,
      kexec_load: 246,
      kexec_file_load: 320,
      init_module: 175,
      finit_module: 313,
      delete_module: 176,
      unshare: 272,
      setns: 308,
      open_by_handle_at: 304,
      process_vm_readv: 310,
      process_vm_writev: 311,
    },
  },
  arm64: {
    audit: 0xc00000b7,
    calls: {
      read: 63,
      write: 64,
      openat: 56,
      execve: 221,
      futex: 98,
      clone: 220,
      socket: 198,
      ioctl: 29,
      mount: 40,
      umount2: 39,
      pivot_root: 41,
      ptrace: 117,
      bpf: 280,
      perf_event_open: 241,
      keyctl: 219,
      add_key: 217,
      request_key: 218,
      userfaultfd: 282,
      kexec_load: 104,
      kexec_file_load: 294,
      init_module: 105,
      finit_module: 273,
      delete_module: 106,
      unshare: 97,
      setns: 268,
      open_by_handle_at: 265,
      process_vm_readv: 270,
      process_vm_writev: 271,
    },
  },
};
const plain = ["read", "write", "openat", "execve", "futex"];
const byArgument = ["clone", "socket", "ioctl"];

for (const arch of ["x64", "arm64"] as const) {
  const filter = seccompFilter(arch);
  const { audit, calls } = archs[arch];
  const of = (name: string, ...args: number[]) =>
    judge(filter, { arch: audit, number: calls[name] ?? -1, args });

  test(`${arch}: what programs need passes, what escapes need does not`, () => {
    for (const name of Object.keys(calls)) {
      if (byArgument.includes(name)) continue;
      assert.equal(of(name), plain.includes(name) ? ALLOW : errno(1), name);
    }
    for (const number of [425, 426, 427, 428, 429, 430, 438, 442]) {
      assert.equal(judge(filter, { arch: audit, number }), errno(1), String(number));
    }
  });

  test(`${arch}: a thread or a child may be made, a namespace may not, in any combination`, () => {
    assert.equal(of("clone", 0x3d0f00), ALLOW);
    assert.equal(of("clone", 17), ALLOW);
    for (const flag of [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]) {
      assert.equal(of("clone", flag | 17), errno(1), flag.toString(16));
    }
    assert.equal(judge(filter, { arch: audit, number: 435 }), errno(38));
  });

  test(`${arch}: sockets are of the families that the network namespace holds`, () => {
    for (let family = 0; family < 64; family += 1) {
      assert.equal(of("socket", family), [1, 2, 10, 16].includes(family) ? ALLOW : errno(97), String(family));
    }
  });

  test(`${arch}: nothing can be typed into a terminal`, () => {
    assert.equal(of("ioctl", 0, 0x5412), errno(1));
    assert.equal(of("ioctl", 0, 0x541c), errno(1));
    assert.equal(of("ioctl", 0, 0x5401), ALLOW);
  });

  test(`${arch}: calls of another architecture end the process`, () => {
    assert.equal(judge(filter, { arch: 0x40000003, number: 4 }), KILL);
  });
}

test("x64: the second table of calls does not open a way around the numbers", () => {
  const filter = seccompFilter("x64");
  assert.equal(judge(filter, { arch: 0xc000003e, number: 0x40000000 | 165 }), errno(38));
  assert.equal(judge(filter, { arch: 0xc000003e, number: 0x40000000 | 521 }), errno(38));
});
