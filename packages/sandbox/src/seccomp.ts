// Which system calls a command may not make.
//
// A filter for the kernel's classic BPF (seccomp(2)), made here because
// bubblewrap takes only the compiled form. It refuses what no build or test
// needs and what past escapes went through; the namespaces and the missing
// rights hold without it. A refused call fails with EPERM, so programs that only
// try it go on.

export type SeccompArch = "x64" | "arm64";

/** System call numbers: [x64, arm64]; undefined where the architecture has no such call. */
const REFUSED: Readonly<Record<string, readonly [x64: number, arm64: number | undefined]>> = {
  // Mounts and roots.
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  chroot: [161, 51],
  open_tree: [428, 428],
  move_mount: [429, 429],
  fsopen: [430, 430],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fspick: [433, 433],
  mount_setattr: [442, 442],
  open_tree_attr: [467, 467],
  // Namespaces; `clone` is judged by its flags below.
  unshare: [272, 97],
  setns: [308, 268],
  // Other processes.
  ptrace: [101, 117],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  process_madvise: [440, 440],
  kcmp: [312, 272],
  pidfd_getfd: [438, 438],
  // Large or young kernel interfaces.
  bpf: [321, 280],
  perf_event_open: [298, 241],
  userfaultfd: [323, 282],
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  fanotify_init: [300, 262],
  memfd_secret: [447, 447],
  // Keys are not namespaced everywhere.
  add_key: [248, 217],
  request_key: [249, 218],
  keyctl: [250, 219],
  // Handles reach files outside the mounts.
  name_to_handle_at: [303, 264],
  open_by_handle_at: [304, 265],
  // The machine itself.
  kexec_load: [246, 104],
  kexec_file_load: [320, 294],
  init_module: [175, 105],
  finit_module: [313, 273],
  delete_module: [176, 106],
  create_module: [174, undefined],
  reboot: [169, 142],
  swapon: [167, 224],
  swapoff: [168, 225],
  acct: [163, 89],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  syslog: [103, 116],
  lookup_dcookie: [212, 18],
  nfsservctl: [180, 42],
  uselib: [134, undefined],
  vhangup: [153, 58],
  iopl: [172, undefined],
  ioperm: [173, undefined],
  modify_ldt: [154, undefined],
  sethostname: [170, 161],
  setdomainname: [171, 162],
  settimeofday: [164, 170],
  clock_settime: [227, 112],
  clock_adjtime: [305, 266],
  adjtimex: [159, 171],
  migrate_pages: [256, 238],
  move_pages: [279, 239],
};

const CLONE: Readonly<Record<SeccompArch, number>> = { x64: 56, arm64: 220 };
const CLONE3 = 435;
const SOCKET: Readonly<Record<SeccompArch, number>> = { x64: 41, arm64: 198 };
const IOCTL: Readonly<Record<SeccompArch, number>> = { x64: 16, arm64: 29 };

/** AUDIT_ARCH_X86_64 and AUDIT_ARCH_AARCH64. */
const AUDIT_ARCH: Readonly<Record<SeccompArch, number>> = { x64: 0xc000003e, arm64: 0xc00000b7 };
/** The bit of x32, a second table of calls on x64 that would pass by the numbers above. */
const X32_BIT = 0x40000000;
/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const CLONE_NAMESPACES = 0x7e020000;
/** UNIX, INET, INET6, NETLINK. Others, such as VSOCK, are not held by the network namespace. */
const SOCKET_FAMILIES = [1, 2, 10, 16];
/** TIOCSTI and TIOCLINUX type into a terminal. */
const TERMINAL_INPUT = [0x5412, 0x541c];

const EPERM = 1;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;

// Operations of <linux/bpf_common.h>: load a word, and jump when equal, at least, or any bit set.
const LOAD = 0x20;
const JUMP_EQUAL = 0x15;
const JUMP_AT_LEAST = 0x35;
const JUMP_ANY_BIT = 0x45;
const RETURN = 0x06;

const RETURN_ALLOW = 0x7fff0000;
const RETURN_ERRNO = 0x00050000;
const RETURN_KILL_PROCESS = 0x80000000;

// Offsets in struct seccomp_data. Arguments are 64 bits wide and both
// architectures are little-endian, so a load takes the low half, which is all
// that the kernel reads of the flags, families, and requests judged here.
const AT_NUMBER = 0;
const AT_ARCH = 4;
const atArgument = (index: number) => 16 + 8 * index;

/** The compiled filter for an architecture, as `bwrap --seccomp` reads it. */
export function seccompFilter(arch: SeccompArch): Buffer {
  const program: Instruction[] = [
    load(AT_ARCH),
    ...unless(JUMP_EQUAL, AUDIT_ARCH[arch], RETURN_KILL_PROCESS),
    load(AT_NUMBER),
  ];
  if (arch === "x64") program.push(...when(JUMP_AT_LEAST, X32_BIT, RETURN_ERRNO | ENOSYS));
  // Its flags are behind a pointer that a filter cannot follow; the C library then uses clone.
  program.push(...when(JUMP_EQUAL, CLONE3, RETURN_ERRNO | ENOSYS));
  for (const [x64, arm64] of Object.values(REFUSED)) {
    const number = arch === "x64" ? x64 : arm64;
    if (number !== undefined) program.push(...when(JUMP_EQUAL, number, RETURN_ERRNO | EPERM));
  }
  program.push(
    ...ifCalled(CLONE[arch], [
      load(atArgument(0)),
      ...when(JUMP_ANY_BIT, CLONE_NAMESPACES, RETURN_ERRNO | EPERM),
    ]),
    ...ifCalled(IOCTL[arch], [
      load(atArgument(1)),
      ...TERMINAL_INPUT.flatMap((request) => when(JUMP_EQUAL, request, RETURN_ERRNO | EPERM)),
    ]),
    ...ifCalled(SOCKET[arch], [
      load(atArgument(0)),
      ...SOCKET_FAMILIES.flatMap((family) => when(JUMP_EQUAL, family, RETURN_ALLOW)),
      give(RETURN_ERRNO | EAFNOSUPPORT),
    ]),
    give(RETURN_ALLOW),
  );
  return Buffer.concat(program.map(encode));
}

/** struct sock_filter: where to go on, counted from the next instruction. */
type Instruction = {
  readonly code: number;
  readonly yes: number;
  readonly no: number;
  readonly value: number;
};

function load(offset: number): Instruction {
  return { code: LOAD, yes: 0, no: 0, value: offset };
}

function give(answer: number): Instruction {
  return { code: RETURN, yes: 0, no: 0, value: answer };
}

function when(jump: number, value: number, answer: number): Instruction[] {
  return [{ code: jump, yes: 0, no: 1, value }, give(answer)];
}

function unless(jump: number, value: number, answer: number): Instruction[] {
  return [{ code: jump, yes: 1, no: 0, value }, give(answer)];
}

/** Judge a call by its arguments; what `body` lets through is allowed, since the number is no longer loaded. */
function ifCalled(number: number, body: readonly Instruction[]): Instruction[] {
  const rest = [...body, give(RETURN_ALLOW)];
  return [{ code: JUMP_EQUAL, yes: 0, no: rest.length, value: number }, ...rest];
}

function encode({ code, yes, no, value }: Instruction): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt8(yes, 2);
  bytes.writeUInt8(no, 3);
  bytes.writeUInt32LE(value >>> 0, 4);
  return bytes;
}
