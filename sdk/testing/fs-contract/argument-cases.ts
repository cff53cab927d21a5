import { call, type LooseFs, type Step } from "./answers.ts";
import type { CaseGroup, Note } from "./cases.ts";
import { describeStep } from "./fixture.ts";

/** A case of several calls, one after the other, each noted. */
function steps(title: string, list: readonly Step[] | (() => readonly Step[])) {
  return {
    title,
    run: async (fs: LooseFs, note: Note) => {
      for (const step of typeof list === "function" ? list() : list) await note(() => call(fs, step));
    },
  };
}

const BAD_PATHS = [undefined, null, 1, true, {}, [], "/a\0b", new Uint8Array([97, 0, 98])] as const;

const ONE_PATH = [
  "access",
  "chmod",
  "lchown",
  "lstat",
  "mkdir",
  "mkdtemp",
  "open",
  "opendir",
  "readFile",
  "readdir",
  "readlink",
  "realpath",
  "rm",
  "rmdir",
  "stat",
  "statfs",
  "truncate",
  "unlink",
  "utimes",
] as const;

/** Arguments that the call needs beside its path, so that only the path is wrong. */
const MORE: Readonly<Record<string, readonly unknown[]>> = {
  chmod: [0o644],
  lchown: [0, 0],
  utimes: [1, 1],
};

const bytes = (text: string) => new TextEncoder().encode(text);

const OTHER_FORMS: readonly Step[] = [
  ["readFile", bytes("/file"), "utf8"],
  ["readFile", new URL("file:///file"), "utf8"],
  ["readFile", new URL("file:///f%69le"), "utf8"],
  ["readFile", new URL("file:///dir%2Finner")],
  ["readFile", new URL("http://host/file")],
  ["readFile", new URL("file:///a%00b")],
  ["writeFile", new URL("file:///new"), "x"],
  ["mkdir", bytes("/made")],
  ["stat", bytes("/missing")],
  ["lstat", new URL("file:///link")],
  ["readdir", bytes("/dir")],
  ["rename", bytes("/file"), new URL("file:///moved")],
  ["symlink", bytes("dir"), bytes("/another")],
  ["readlink", bytes("/link")],
];

const ENCODINGS = [
  "utf8",
  "UTF-8",
  "latin1",
  "binary",
  "ascii",
  "hex",
  "base64",
  "base64url",
  "utf16le",
  "ucs2",
  "buffer",
  "nope",
  "",
] as const;

const EVERY_BYTE = Uint8Array.from({ length: 259 }, (_, index) => index % 256);

const BAD_OPTIONS: readonly Step[] = [
  ["readFile", "/file", 7],
  ["readFile", "/file", { encoding: 7 }],
  ["readFile", "/file", { flag: "z" }],
  ["readFile", "/file", { signal: {} }],
  ["readFile", "/file", { signal: "x" }],
  ["writeFile", "/file"],
  ["writeFile", "/file", 7],
  ["writeFile", "/file", {}],
  ["writeFile", "/file", null],
  ["writeFile", "/file", "x", { mode: "9" }],
  ["writeFile", "/file", "x", { mode: -1 }],
  ["writeFile", "/file", "x", { mode: 1.5 }],
  ["writeFile", "/file", "x", { flush: "yes" }],
  ["writeFile", "/file", "x", { encoding: "nope" }],
  ["appendFile", "/file", 7],
  ["open", "/file", "z"],
  ["open", "/file", {}],
  ["open", "/file", 1.5],
  ["open", "/file", "r", "9"],
  ["mkdir", "/new", { recursive: 1 }],
  ["mkdir", "/new", { mode: "x" }],
  ["mkdir", "/new", "x"],
  ["chmod", "/file"],
  ["chmod", "/file", "x"],
  ["chmod", "/file", -1],
  ["chmod", "/file", 2 ** 32],
  ["chown", "/file", "a", 1],
  ["chown", "/file", -2, 1],
  ["utimes", "/file", "x", 1],
  ["utimes", "/file", 1, Number.NaN],
  ["truncate", "/file", "x"],
  ["truncate", "/file", 1.5],
  ["truncate", "/file", -1],
  ["truncate", "/missing", "x"],
  ["truncate", "/file"],
  ["rm", "/file", 7],
  ["rm", "/file", { recursive: 1 }],
  ["rm", "/file", { force: 1 }],
  ["rm", "/file", { maxRetries: -1 }],
  ["rm", "/file", { retryDelay: "x" }],
  ["rm", "/file", { maxRetries: 3, retryDelay: 1 }],
  ["rmdir", "/file", { maxRetries: 1.5 }],
  ["symlink", 1, "/new"],
  ["symlink", "a", "/new", "odd"],
  ["symlink", "", "/new"],
  ["rename", 1, "/new"],
  ["rename", "/file", 1],
  ["link", 1, "/new"],
  ["link", "/file", 1],
  ["copyFile", 1, "/new"],
  ["copyFile", "/file", 1],
  ["opendir", "/dir", { encoding: "nope" }],
  ["cp", 1, "/new"],
  ["cp", "/file", 1],
  ["cp", "/file", "/new", 1],
  ["cp", "/file", "/new", { recursive: 1 }],
  ["cp", "/file", "/new", { filter: 1 }],
  ["cp", "/file", "/new", { mode: 9 }],
  ["cp", "/file", "/new", { dereference: true, verbatimSymlinks: true }],
  ["lchmod", "/file", 0o644],
  ["stat", "/missing", { bigint: true }],
];

/** A signal that has aborted already; made when it is used, because a Worker makes none outside a request. */
function aborted(): AbortSignal {
  return AbortSignal.abort(new Error("enough"));
}

export const argumentCases: readonly CaseGroup[] = [
  {
    title: "paths that are none",
    cases: ONE_PATH.map((method) =>
      steps(
        method,
        BAD_PATHS.map((path) => [method, path, ...(MORE[method] ?? [])]),
      ),
    ),
  },
  {
    title: "paths as bytes and file: URLs",
    cases: OTHER_FORMS.map((step, index) => steps(`${index} ${describeStep(step)}`, [step])),
  },
  {
    title: "encodings",
    cases: ENCODINGS.map((encoding) =>
      steps(encoding, [
        ["writeFile", "/bytes", EVERY_BYTE],
        ["readFile", "/bytes", encoding],
        ["readFile", "/bytes", { encoding }],
        ["readdir", "/", encoding],
        ["readlink", "/link", encoding],
        ["readlink", "/dir/uplink", { encoding }],
        ["writeFile", "/text", "a\u00e9\u20ac\ud83d\ude00=", encoding],
        ["readFile", "/text"],
        ["writeFile", "/hex", "616263zz64", encoding],
        ["readFile", "/hex"],
        ["appendFile", "/hex", "YWJjZA==", { encoding }],
        ["readFile", "/hex"],
      ]),
    ),
  },
  {
    title: "options that are none",
    cases: BAD_OPTIONS.map((step, index) => steps(`${index} ${describeStep(step)}`, [step])),
  },
  {
    title: "signals",
    cases: [
      steps("aborted before", () => [
        ["readFile", "/file", { signal: aborted() }],
        ["readFile", "/missing", { signal: aborted() }],
        ["writeFile", "/file", "x", { signal: aborted() }],
        ["writeFile", "/new", "x", { signal: aborted() }],
        ["appendFile", "/file", "x", { signal: aborted() }],
      ]),
      steps("not aborted", () => [
        ["readFile", "/file", { signal: new AbortController().signal, encoding: "utf8" }],
        ["writeFile", "/new", "x", { signal: new AbortController().signal }],
      ]),
      {
        title: "aborted while it writes",
        run: async (fs, note) => {
          const controller = new AbortController();
          async function* pieces() {
            yield "one ";
            controller.abort();
            yield "two ";
          }
          await note(() => call(fs, ["writeFile", "/file", pieces(), { signal: controller.signal }]));
        },
      },
    ],
  },
  {
    title: "data of every kind",
    cases: [
      steps("views", [
        ["writeFile", "/a", new Uint16Array([0x6261, 0x6463])],
        ["readFile", "/a"],
        ["writeFile", "/b", new DataView(new Uint8Array([97, 98, 99, 100]).buffer, 1, 2)],
        ["readFile", "/b"],
        ["writeFile", "/c", new Uint8Array([97, 98, 99, 100]).subarray(1, 3)],
        ["appendFile", "/c", new Uint8Array([33])],
        ["readFile", "/c", "utf8"],
        ["writeFile", "/d", ["one", " two", new Uint8Array([33])]],
        ["readFile", "/d", "utf8"],
      ]),
      {
        title: "iterables",
        run: async (fs, note) => {
          async function* pieces() {
            yield "a";
            yield new Uint8Array([98]);
          }
          await note(() => call(fs, ["writeFile", "/pieces", pieces()]));
          await note(() => call(fs, ["appendFile", "/pieces", pieces()]));
          await note(() => call(fs, ["readFile", "/pieces", "utf8"]));
        },
      },
      {
        title: "an iterable that fails half way",
        run: async (fs, note) => {
          function* pieces() {
            yield "half";
            throw new RangeError("no more");
          }
          await note(() => call(fs, ["writeFile", "/file", pieces()]));
        },
      },
    ],
  },
];
