import assert from "node:assert/strict";
import { test } from "node:test";
import { confinedCommand, environmentOf, systemFiles, type Identity } from "./confinement.ts";

const programs = {
  bwrap: "/usr/bin/bwrap",
  mount: "/usr/bin/mount",
  nsenter: "/usr/bin/nsenter",
  prlimit: "/usr/bin/prlimit",
  setpriv: "/usr/bin/setpriv",
  tar: "/usr/bin/tar",
  unshare: "/usr/bin/unshare",
};
const request = {
  toolchains: [{ name: "node", prefix: "/somewhere/node" }],
  env: { LD_PRELOAD: "/work/evil.so" },
};
const identities: readonly Identity[] = [
  { by: "drop", uid: 60_600 },
  { by: "namespace", uid: 1_000 },
];

test("the request's variables come after the rights are gone, and the host's not at all", () => {
  for (const identity of identities) {
    const args = confinedCommand(programs, identity, { folder: "/run", rlimits: [] }, request, ["/bin/true"]);
    const [variable, ...others] = args.flatMap((arg, index) => (arg.includes("evil") ? [index] : []));
    assert.deepEqual(others, []);
    assert.ok(
      variable !== undefined &&
        variable > args.indexOf(programs.setpriv) &&
        args.indexOf(programs.setpriv) > 0,
    );
    assert.ok(args.includes("--clearenv"));
    assert.equal(args.includes("--setenv"), false);
  }
});

test("as root the command becomes its own user with an empty bounding set; else it has a namespace", () => {
  const [drop, namespace] = identities.map((identity) =>
    confinedCommand(programs, identity, { folder: "/run", rlimits: [] }, request, ["/bin/true"]).join(" "),
  );
  assert.match(
    drop ?? "",
    / --reuid 60600 --regid 60600 --clear-groups .*--bounding-set=-all --no-new-privs /,
  );
  assert.doesNotMatch(drop ?? "", /--unshare-user/);
  assert.match(namespace ?? "", / --unshare-user --uid 1000 --gid 1000 --cap-drop ALL /);
  assert.doesNotMatch(namespace ?? "", /--cap-add/);
});

test("toolchains come first on the path, in their order", () => {
  const toolchains = ["b", "a"].map((name) => ({ name, prefix: `/x/${name}` }));
  assert.match(
    environmentOf({ toolchains }).PATH ?? "",
    /^\/opt\/tc\/b\/bin:\/opt\/tc\/a\/bin:\/usr\/local\/bin:/,
  );
  assert.match(systemFiles(60_600)["passwd"] ?? "", /^work:x:60600:60600:/m);
});
