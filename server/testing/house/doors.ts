import type { Violation } from "./layers.ts";
import { findPackageName, resolveRelative, type SourceFile } from "./source-file.ts";

/** Packages that one file per side wraps, so that replacing them is a change in one place. */
export const SINGLE_DOOR_PACKAGES = [
  "pako",
  "lru-cache",
  "minimatch",
  "ofetch",
  "ndjson-readablestream",
  "aws4fetch",
  "jose",
];

/** Packages that may be used in several files, but only there. */
export const PACKAGE_ROOMS: Readonly<Record<string, readonly string[]>> = {
  hono: ["server/routes/", "server/middleware/", "server/wiring.ts"],
  zod: ["sdk/contract/", "sdk/adapters/"],
  diff: ["sdk/mount/", "sdk/adapters/"],
  memfs: ["server/bench/"],
  commander: ["server/local/"],
  ssh2: ["server/local/ssh/"],
  miniflare: ["server/local/"],
  "just-bash": ["sdk/", "server/services/"],
  aws4fetch: ["server/stores/"],
  re2js: ["sdk/mount/", "sdk/adapters/", "server/services/"],
  "eventsource-parser": ["sdk/http/"],
  "@mastra/core": ["sdk/adapters/"],
  "@modelcontextprotocol/sdk": ["sdk/adapters/"],
  "@openai/agents-core": ["sdk/adapters/"],
  tsup: ["sdk/tsup.config.ts", "server/tsup.config.ts"],
};

/** Rooms for a package's types alone, which leave no code behind. */
const TYPE_ROOMS: Readonly<Record<string, readonly string[]>> = { zod: ["server/middleware/"] };

/** More than one importing file per side for a package that gets one door. */
export function checkSingleDoors(files: readonly SourceFile[]): Violation[] {
  return SINGLE_DOOR_PACKAGES.flatMap((name) =>
    ["sdk/", "server/"].flatMap((side) => {
      const doors = files.filter((file) => file.path.startsWith(side) && importsPackage(file, name));
      return doors.slice(1).map((file) => ({
        path: file.path,
        message: `second door to ${name}: only ${doors[0]?.path} may import it`,
      }));
    }),
  );
}

/** Packages used outside their rooms, or that the house does not know. */
export function checkPackageRooms(files: readonly SourceFile[]): Violation[] {
  return files.flatMap((file) =>
    file.imports.flatMap(({ specifier, typeOnly, line }) => {
      const name = findPackageName(specifier);
      if (name === null || SINGLE_DOOR_PACKAGES.includes(name)) return [];
      if (typeOnly && TYPE_ROOMS[name]?.some((room) => file.path.startsWith(room))) return [];
      const rooms = PACKAGE_ROOMS[name];
      if (!rooms) return [{ path: file.path, line, message: `unknown package ${name}: give it a room` }];
      if (rooms.some((room) => file.path.startsWith(room))) return [];
      return [{ path: file.path, line, message: `${name} may only be imported in ${rooms.join(", ")}` }];
    }),
  );
}

function importsPackage(file: SourceFile, name: string): boolean {
  return file.imports.some(({ specifier }) => findPackageName(specifier) === name);
}

/** What `@coregit/sdk/node` is made of, apart from everything else of the SDK. */
const NODE_ROOM = "sdk/node/";

const NODE_DOORS = ["server/git/bytes/zlib.ts", "server/git/hash/sha1.ts"];
/** Entry points of the SDK that are for Node alone and say so; the core never imports them. */
const NODE_ADAPTERS = ["sdk/adapters/folder-cache.ts"];

/** `node:` modules in the SDK outside its Node entry, or in the engine outside its two doors. */
export function checkNodeModules(files: readonly SourceFile[]): Violation[] {
  return files.flatMap((file) => {
    const bound = /^(sdk\/(?!tsup\.config\.ts$)|server\/git\/)/.test(file.path);
    if (!bound || NODE_DOORS.includes(file.path) || NODE_ADAPTERS.includes(file.path)) return [];
    if (file.path.startsWith(NODE_ROOM)) return [];
    return file.imports
      .filter(({ specifier }) => specifier.startsWith("node:"))
      .map(({ specifier, line }) => ({
        path: file.path,
        line,
        message: `imports ${specifier}: the SDK runs everywhere, and the engine reaches Node through ${NODE_DOORS.join(" and ")}`,
      }));
  });
}

const CLOUDFLARE_ROOMS = [
  /^server\/(index|wiring)\.ts$/,
  /^server\/durable\//,
  /^server\/stores\/(sqlite|r2-|durable-)[^/]*\.ts$/,
];
const CLOUDFLARE_MODULE = /^(cloudflare:|@cloudflare\/)/;
const CLOUDFLARE_TYPE =
  /^(DurableObject\w*|R2[A-Z]\w*|KVNamespace\w*|SqlStorage\w*|D1[A-Z]\w*|ExecutionContext|ExportedHandler\w*|MessageBatch|ScheduledController|AnalyticsEngineDataset|Fetcher|Queue|Cloudflare|IdentityTransformStream|FixedLengthStream)$/;

/** The platform's modules and ambient types outside the rooms that touch the platform. */
export function checkCloudflareTypes(files: readonly SourceFile[]): Violation[] {
  return files.flatMap((file) => {
    if (!file.path.startsWith("server/") && !file.path.startsWith("sdk/")) return [];
    if (CLOUDFLARE_ROOMS.some((room) => room.test(file.path))) return [];
    const modules = file.imports.filter(({ specifier }) => CLOUDFLARE_MODULE.test(specifier));
    const types = file.ambientTypes.filter(({ name }) => CLOUDFLARE_TYPE.test(name));
    return [
      ...modules.map(({ specifier, line }) => ({ name: specifier, line })),
      ...types.map(({ name, line }) => ({ name, line })),
    ].map(({ name, line }) => ({
      path: file.path,
      line,
      message: `uses ${name}: the platform stays in server/{index,wiring}.ts, durable/ and stores/{sqlite,r2-,durable-}*`,
    }));
  });
}

/** Packages that code imports, directly or through other files, from `entry`: type imports left out. */
export function findBundledPackages(
  files: readonly SourceFile[],
  entry: string,
): ReadonlyMap<string, string> {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const queue = [entry];
  const packages = new Map<string, string>();
  for (const path of queue) {
    for (const { specifier, typeOnly } of byPath.get(path)?.imports ?? []) {
      if (typeOnly) continue;
      const target = resolveRelative(path, specifier);
      if (target !== null && !queue.includes(target)) queue.push(target);
      const name = findPackageName(specifier);
      if (name !== null && !packages.has(name)) packages.set(name, path);
    }
  }
  return packages;
}

/** zod schemas that reach the published SDK through value imports; its types cost nothing. */
export function checkZodStaysOut(files: readonly SourceFile[]): Violation[] {
  return ["sdk/index.ts", "sdk/mount.ts"].flatMap((entry) => {
    const path = findBundledPackages(files, entry).get("zod");
    return path ? [{ path, message: `zod reaches the bundle of ${entry}: import types only` }] : [];
  });
}
