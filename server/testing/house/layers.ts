import { resolveRelative, type SourceFile } from "./source-file.ts";

/** A place in the house, and the places that it may import from. Itself is always allowed. */
export interface Layer {
  readonly name: string;
  /** A file, or a folder when it ends with `/`; the longest match wins. */
  readonly at: string;
  readonly may: readonly string[];
}

/** One broken rule: where, and what to do about it. */
export interface Violation {
  readonly path: string;
  readonly line?: number;
  readonly message: string;
}

const CODECS = ["git/errors", "git/bytes", "git/hash", "git/object"];
const ENGINE_FLOOR = [...CODECS, "git/ports"];
const ENGINE = [
  ...ENGINE_FLOOR,
  "git/tree",
  "git/revision",
  "git/walk",
  "git/delta",
  "git/pack",
  "git/diff",
  "git/merge",
  "git/protocol",
  "git/notes",
  "git/blame",
];
const SDK = ["sdk/errors", "sdk/contract", "sdk/http", "sdk/resources", "sdk/mount", "sdk/client"];
const SERVER = ["ports", ...ENGINE, "services", "stores", "durable", "middleware", "routes", "sdk/contract"];

/** The house, low to high. docs/architecture.md says the same in words. */
export const LAYERS: readonly Layer[] = [
  { name: "sdk/contract", at: "sdk/contract/", may: [] },
  { name: "sdk/errors", at: "sdk/errors.ts", may: ["sdk/contract"] },
  { name: "sdk/http", at: "sdk/http/", may: ["sdk/errors", "sdk/contract"] },
  { name: "sdk/resources", at: "sdk/resources/", may: ["sdk/http", "sdk/contract"] },
  { name: "sdk/mount", at: "sdk/mount/", may: ["sdk/errors"] },
  {
    name: "sdk/client",
    at: "sdk/client.ts",
    may: ["sdk/errors", "sdk/contract", "sdk/http", "sdk/resources", "sdk/mount"],
  },
  {
    name: "sdk/client",
    at: "sdk/exec-over-http.ts",
    may: ["sdk/errors", "sdk/contract", "sdk/http", "sdk/resources", "sdk/mount"],
  },
  { name: "sdk/node", at: "sdk/node/", may: ["sdk/mount"] },
  { name: "sdk/node-entry", at: "sdk/node.ts", may: ["sdk/node", "sdk/mount"] },
  { name: "sdk/entry", at: "sdk/index.ts", may: SDK },
  { name: "sdk/signing-entry", at: "sdk/signing.ts", may: ["sdk/contract"] },
  { name: "sdk/webhooks-entry", at: "sdk/webhooks.ts", may: ["sdk/contract"] },
  { name: "sdk/mount-entry", at: "sdk/mount.ts", may: ["sdk/mount"] },
  {
    name: "sdk/adapters",
    at: "sdk/adapters/",
    may: ["sdk/errors", "sdk/contract", "sdk/mount", "sdk/client"],
  },

  { name: "git/errors", at: "server/git/errors.ts", may: [] },
  { name: "git/bytes", at: "server/git/bytes/", may: ["git/errors"] },
  { name: "git/hash", at: "server/git/hash/", may: ["git/bytes", "git/errors"] },
  { name: "git/object", at: "server/git/object/", may: ["git/hash", "git/bytes", "git/errors"] },
  { name: "git/ports", at: "server/git/ports.ts", may: CODECS },
  { name: "git/tree", at: "server/git/tree/", may: ENGINE_FLOOR },
  { name: "git/revision", at: "server/git/revision/", may: [...ENGINE_FLOOR, "git/tree"] },
  { name: "git/walk", at: "server/git/walk/", may: [...ENGINE_FLOOR, "git/tree"] },
  { name: "git/delta", at: "server/git/delta/", may: ENGINE_FLOOR },
  { name: "git/pack", at: "server/git/pack/", may: [...ENGINE_FLOOR, "git/delta"] },
  { name: "git/diff", at: "server/git/diff/", may: [...ENGINE_FLOOR, "git/tree"] },
  {
    name: "git/merge",
    at: "server/git/merge/",
    may: [...ENGINE_FLOOR, "git/tree", "git/diff", "git/walk"],
  },
  { name: "git/notes", at: "server/git/notes/", may: [...ENGINE_FLOOR, "git/tree"] },
  {
    name: "git/blame",
    at: "server/git/blame/",
    may: [...ENGINE_FLOOR, "git/tree", "git/diff", "git/walk"],
  },
  { name: "git/protocol", at: "server/git/protocol/", may: ["git/errors", "git/bytes", "git/hash"] },

  { name: "ports", at: "server/ports/", may: ENGINE },
  { name: "services", at: "server/services/", may: ["ports", ...ENGINE, "sdk/contract"] },
  { name: "stores", at: "server/stores/", may: ["ports", ...ENGINE] },
  {
    name: "durable",
    at: "server/durable/",
    may: ["services", "stores", "ports", ...ENGINE, "sdk/contract"],
  },
  {
    name: "middleware",
    at: "server/middleware/",
    may: ["services", "ports", "sdk/contract", "git/errors", "git/bytes"],
  },
  {
    name: "routes",
    at: "server/routes/",
    may: ["middleware", "services", "ports", "sdk/contract", ...CODECS, "git/protocol"],
  },
  { name: "wiring", at: "server/wiring.ts", may: SERVER },
  { name: "kernel", at: "server/kernel/", may: [] },
  { name: "entry", at: "server/index.ts", may: ["wiring", "durable", "kernel", "git/bytes"] },
  { name: "local", at: "server/local/", may: [...SERVER, "wiring", "entry", ...SDK, "sdk/entry"] },
  { name: "bench", at: "server/bench/", may: ["local", ...SERVER, ...SDK, "sdk/entry", "sdk/mount-entry"] },

  { name: "build", at: "sdk/tsup.config.ts", may: [] },
  { name: "build", at: "server/tsup.config.ts", may: [] },
];

/** The layer that a file belongs to, or null when the house has no room for it. */
export function findLayer(path: string, layers: readonly Layer[] = LAYERS): Layer | null {
  const matches = layers.filter(({ at }) => (at.endsWith("/") ? path.startsWith(at) : path === at));
  return matches.sort((a, b) => b.at.length - a.at.length)[0] ?? null;
}

/** Imports that go up, sideways, or into a file without a layer. Type imports count: they bind as well. */
export function checkLayers(files: readonly SourceFile[], layers: readonly Layer[] = LAYERS): Violation[] {
  return files.flatMap((file) => {
    const layer = findLayer(file.path, layers);
    if (!layer) {
      return [{ path: file.path, message: "belongs to no layer: add its folder to LAYERS, or move it" }];
    }
    return file.imports.flatMap(({ specifier, line }) => {
      const target = resolveRelative(file.path, specifier);
      if (target === null) return [];
      const message = findLayerFault(layer, target, layers);
      return message === null ? [] : [{ path: file.path, line, message }];
    });
  });
}

function findLayerFault(from: Layer, target: string, layers: readonly Layer[]): string | null {
  const to = findLayer(target, layers);
  if (!to) return `imports ${target}, which belongs to no layer`;
  if (to.name === from.name || from.may.includes(to.name)) return null;
  const allowed = from.may.length > 0 ? from.may.join(", ") : "nothing";
  return `${from.name} may not import ${to.name} (${target}); it may import: ${allowed}`;
}
