// What a stranger packs can only ever become plain files, folders and links inside one new folder.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { suite, test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { readTar } from "@openagents/sandbox";
import { makeFolder, quiet, rawLayer, rawTar, type RawEntry } from "./fixture.ts";
import { findLinkGoal, type LayerPlace } from "./layer.ts";
import { openLayer } from "./open-layer.ts";
import { packFolder } from "./pack-folder.ts";

const place: LayerPlace = { kind: "npm", path: "node_modules" };
const pack = (folder: string, without: readonly string[] = []) =>
  packFolder(folder, {
    without,
    keepsLink: (path, target) => findLinkGoal(place, path, target) !== undefined,
    signal: quiet,
  });

suite("layers, packed and opened", () => {
  test("what was packed comes out: files, run bits, links, odd and long names", async (t) => {
    const long = `${"a".repeat(80)}/${"b".repeat(80)}/${"c".repeat(120)}.js`;
    const folder = makeFolder(t, {
      "p/index.js": "x",
      [long]: "long",
      "p/ü b\\'\".txt": "odd",
      "p/empty": "",
    });
    writeFileSync(join(folder, "p/big"), Buffer.alloc(1_000_003, 7));
    chmodSync(join(folder, "p/index.js"), 0o700);
    mkdirSync(join(folder, ".bin"));
    symlinkSync("../p/index.js", join(folder, ".bin/p"));
    symlinkSync(`../${long}`, join(folder, "p/long"));
    symlinkSync("../packages/own", join(folder, "own"));
    const { mount, bins } = await openLayer(place, await pack(folder), makeFolder(t), quiet);
    const at = (path: string) => join(mount.source, path);
    assert.equal(readFileSync(at(long), "utf8"), "long");
    assert.equal(readFileSync(at("p/ü b\\'\".txt"), "utf8"), "odd");
    assert.equal(readFileSync(at("p/empty"), "utf8"), "");
    assert.deepEqual(readFileSync(at("p/big")), Buffer.alloc(1_000_003, 7));
    assert.deepEqual(
      ["p/index.js", "p/empty", "p"].map((path) => lstatSync(at(path)).mode & 0o7777),
      [0o755, 0o644, 0o755],
    );
    assert.deepEqual(
      [".bin/p", "p/long", "own"].map((path) => readlinkSync(at(path))),
      ["../p/index.js", `../${long}`, "../packages/own"],
    );
    assert.equal(mount.target, "/work/node_modules");
    assert.deepEqual(bins, ["/work/node_modules/.bin"]);
  });

  test("equal folders are equal bytes, whatever their times, owners, rights, and order on the disk", async (t) => {
    const files = { "b/x": "1", "a/y": "2", "B/z": "3", "a.b": "4" };
    const one = makeFolder(t, files);
    const other = makeFolder(t, Object.fromEntries(Object.entries(files).reverse()));
    for (const path of Object.keys(files)) {
      utimesSync(join(other, path), 1, 1);
      chmodSync(join(other, path), 0o600);
    }
    writeFileSync(join(other, ".package-lock.json"), "notes");
    assert.deepEqual(await pack(one), await pack(other, [".package-lock.json"]));
    const paths = [];
    for await (const { path } of readTar(Readable.from([gunzipSync(await pack(one))]))) paths.push(path);
    assert.deepEqual(paths, ["B", "B/z", "a", "a/y", "a.b", "b", "b/x"]);
    chmodSync(join(other, "a/y"), 0o711);
    assert.notDeepEqual(await pack(one), await pack(other, [".package-lock.json"]));
  });

  test("links that lead out, and pipes, stay behind", async (t) => {
    const folder = makeFolder(t, { "p/a": "a" });
    for (const [index, target] of ["/etc/passwd", "../../x", "p/../../../x", "..", "../..", ""].entries())
      if (target !== "") symlinkSync(target, join(folder, `l${index}`));
    symlinkSync("a", join(folder, "p/kept"));
    const { mount } = await openLayer(place, await pack(folder), makeFolder(t), quiet);
    // `..` is the work folder itself.
    assert.deepEqual(
      readdirSync(mount.source).filter((name) => !name.startsWith(".")),
      ["l3", "p"],
    );
    assert.deepEqual(readdirSync(join(mount.source, "p")), ["a", "kept"]);
  });

  test("caches are folders of the layer, made when they are not there, and left alone when they are something else", async (t) => {
    const tar = rawLayer([
      { path: ".cache", type: "5" },
      { path: ".vite", type: "2", target: "elsewhere" },
    ]);
    const { mount } = await openLayer(place, tar, makeFolder(t), quiet);
    assert.deepEqual(mount.caches, [".cache", ".vite-temp"]);
    for (const cache of mount.caches ?? []) assert.ok(lstatSync(join(mount.source, cache)).isDirectory());
  });

  test("a layer of Python is outside of the tree, and says how it is found", async (t) => {
    const layer = { kind: "pip", path: "site-packages" } as const;
    const { mount, env, bins } = await openLayer(layer, rawLayer([{ path: "m.py" }]), makeFolder(t), quiet);
    assert.equal(mount.target, "/opt/layers/site-packages");
    assert.match(env["PYTHONPATH"] ?? "", /^\/opt\/layers\/site-packages:/);
    assert.deepEqual(bins, ["/opt/layers/site-packages/bin"]);
  });

  const folder: RawEntry = { path: "d", type: "5" };
  const hostile: Readonly<Record<string, readonly RawEntry[]>> = {
    "up and out": [{ path: "../out" }],
    "up and out, later": [folder, { path: "d/../../out" }],
    "up inside": [folder, { path: "d/../in" }],
    absolute: [{ path: "/tmp/out" }],
    "a dot": [{ path: "./a" }],
    "two slashes": [folder, { path: "d//a" }],
    "no name": [{ path: "" }],
    "the folder itself": [{ path: ".", type: "5" }],
    "a line break": [{ path: "a\nb" }],
    "not text": [{ path: "L", type: "L", content: "\uFFFD\0" }, { path: "x" }],
    "a folder that is not there": [{ path: "d/a" }],
    "through a link": [{ path: "d", type: "2", target: "." }, { path: "d/a" }],
    "a link in place of a folder": [folder, { path: "d", type: "2", target: "../x" }, { path: "d/a" }],
    "a file in place of a link": [{ path: "a", type: "2", target: "b" }, { path: "a" }],
    twice: [{ path: "a" }, { path: "a" }],
    "a folder twice": [folder, folder],
    "an absolute link": [{ path: "a", type: "2", target: "/etc/passwd" }],
    "a link out": [{ path: "a", type: "2", target: "../../etc/passwd" }],
    "a link out, later": [folder, { path: "d/a", type: "2", target: "../x/../../../etc" }],
    "an empty link": [{ path: "a", type: "2", target: "" }],
    "a hard link": [{ path: "a", type: "1", target: "/etc/passwd" }],
    "a device": [{ path: "a", type: "3" }],
    "another device": [{ path: "a", type: "4" }],
    "a pipe": [{ path: "a", type: "6" }],
    "pax names": [{ path: "x", type: "x", content: "20 path=../../out\n" }, { path: "a" }],
    "global pax names": [{ path: "x", type: "g", content: "20 path=../../out\n" }, { path: "a" }],
    "a sparse file": [{ path: "a", type: "S" }],
    "a long name that leads out": [{ path: "L", type: "L", content: "../../out\0" }, { path: "x" }],
    "a long link that leads out": [
      { path: "K", type: "K", content: "../../../out\0" },
      { path: "x", type: "2" },
    ],
    "a name without end": [{ path: "L", type: "L", content: "a".repeat(9_000) }, { path: "x" }],
    "a name of the file system's limit": [
      { path: "L", type: "L", content: `${"a".repeat(256)}\0` },
      { path: "x" },
    ],
    "more than there is": [{ path: "a", content: "x", size: "00000010000" }],
    "a size of another form": [{ path: "a", size: "\x80\0\0\0\0\0\0\0\0\0\x01" }],
    "a negative size": [{ path: "a", size: "-0000000001" }],
    "more than may be": [{ path: "a", size: "77777777777" }],
    "bytes of a folder": [{ path: "d", type: "5", content: "x" }],
    "bytes of a link": [{ path: "d", type: "2", target: "x", content: "x" }],
    "a wrong sum": [{ path: "a", sum: "000000\0 " }],
    "another format": [{ path: "a", magic: "notar  \0" }],
  };
  for (const [name, entries] of Object.entries(hostile)) {
    test(`refused with nothing left: ${name}`, async (t) => {
      const around = makeFolder(t, { "kept.txt": "kept" });
      const into = join(around, "a/b");
      await assert.rejects(openLayer(place, rawLayer(entries), into, quiet), { code: "layer_invalid" });
      assert.deepEqual(readdirSync(into), []);
      assert.deepEqual(readdirSync(around).sort(), ["a", "kept.txt"]);
      assert.equal(existsSync("/tmp/out"), false);
    });
  }

  test("what is no archive is refused: cut off, other bytes, an endless zip", async (t) => {
    const whole = rawLayer([{ path: "a", content: "x".repeat(5_000) }]);
    const tar = rawTar([{ path: "a" }]);
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.from("hello"),
      tar,
      gzipSync(""),
      gzipSync(tar.subarray(0, 700)),
      gzipSync(tar.subarray(0, 512)),
      ...[1, 10, 20, whole.length - 9].map((length) => whole.subarray(0, length)),
    ]) {
      const into = makeFolder(t);
      await assert.rejects(openLayer(place, bytes, into, quiet), { code: "layer_invalid" });
      assert.deepEqual(readdirSync(into), []);
    }
  });

  const small = { packedBytesMax: 100_000, unpackedBytesMax: 1_000_000, entriesMax: 10 };
  const zeros = (bytes: number) => "\0".repeat(bytes);
  const tooMuch: Readonly<Record<string, readonly RawEntry[]>> = {
    "one file": [{ path: "a", content: zeros(1_000_001) }],
    "two files that are too much together": ["a", "b"].map((path) => ({ path, content: zeros(600_000) })),
    "more entries": Array.from({ length: 11 }, (_, index) => ({ path: `l${index}`, type: "2", target: "x" })),
    "bytes after the end": [{ path: "a" }, { path: "x", type: "\0", content: zeros(2_000_000) }],
    "names without a file": Array.from({ length: 2_000 }, () => ({ path: "L", type: "L", content: "a\0" })),
  };
  for (const [name, entries] of Object.entries(tooMuch)) {
    test(`a bomb ends at the bound: ${name}`, async (t) => {
      const into = makeFolder(t);
      const bomb = rawLayer(entries);
      assert.ok(bomb.length < 100_000);
      await assert.rejects(openLayer(place, bomb, into, quiet, small), {
        code: "layer_invalid",
        message: /more than/,
      });
      assert.deepEqual(readdirSync(into), []);
    });
  }

  test("what fits exactly is taken, at both ends", async (t) => {
    const folder = makeFolder(t, { a: zeros(1_000_000) });
    for (let index = 1; index < 10; index += 1) writeFileSync(join(folder, `f${index}`), "");
    const packAll = () =>
      packFolder(folder, { without: [], keepsLink: () => true, signal: quiet, bounds: small });
    const { mount } = await openLayer(place, await packAll(), makeFolder(t), quiet, small);
    assert.equal(lstatSync(join(mount.source, "a")).size, 1_000_000);
    for (const more of ["f1", "g"]) {
      writeFileSync(join(folder, more), more === "g" ? "" : "x");
      await assert.rejects(packAll(), { code: "layer_too_large" }, more);
      writeFileSync(join(folder, "f1"), "");
    }
    const random = makeFolder(t, { a: "" });
    writeFileSync(join(random, "a"), randomBytes(200_000));
    const noisy = { without: [], keepsLink: () => true, signal: quiet, bounds: small };
    await assert.rejects(packFolder(random, noisy), { code: "layer_too_large" });
    await assert.rejects(openLayer(place, await pack(random), makeFolder(t), quiet, small), {
      code: "layer_invalid",
      message: /larger than/,
    });
  });

  test("a layer has its place, and no other", async (t) => {
    const tar = rawLayer([{ path: "a" }]);
    const bad: readonly LayerPlace[] = [
      ...[
        "",
        "/node_modules",
        "../node_modules",
        "a/../node_modules",
        "a",
        "node_modules/a",
        "./node_modules",
        "a//node_modules",
        "node_modules/",
      ].map((path) => ({ kind: "npm", path }) as const),
      ...["", "..", ".", "a/b", "../tc"].map((path) => ({ kind: "pip", path }) as const),
    ];
    for (const layer of bad) {
      const into = makeFolder(t);
      await assert.rejects(
        openLayer(layer, tar, into, quiet),
        { code: "layer_invalid" },
        JSON.stringify(layer),
      );
      assert.deepEqual(readdirSync(into), []);
    }
  });

  test("what is there already is not written to, and an aborted signal leaves nothing", async (t) => {
    const into = makeFolder(t);
    const tar = rawLayer([{ path: "a" }]);
    const { mount } = await openLayer(place, tar, into, quiet);
    await assert.rejects(openLayer(place, tar, into, quiet), { code: "EEXIST" });
    assert.ok(existsSync(join(mount.source, "a")));
    const reason = new Error("the owner said so");
    const other = makeFolder(t);
    await assert.rejects(
      openLayer(place, tar, other, AbortSignal.abort(reason)),
      (error) => error === reason,
    );
    assert.deepEqual(readdirSync(other), []);
  });
});
