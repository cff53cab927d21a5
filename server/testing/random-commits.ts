/** Random change lists that make sense, and what they do to a set of files: a second opinion on the commit path. */

export interface ModelFile {
  readonly mode: "100644" | "100755" | "120000";
  /** One char = one byte. */
  readonly content: string;
}

/** Files by path, as a work tree has them: directories are there because files are. */
export type Model = Map<string, ModelFile>;

/** A change as the API takes it. */
export type RandomChange = Record<string, unknown> & { readonly path: string; readonly action: string };

export type Random = () => number;

/** Mulberry32: small, seeded, good enough to pick cases. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const NAMES = [
  "a",
  "b",
  "README.md",
  "Zebra",
  "lib",
  "lib.ts",
  "lib-x",
  "src",
  "with space",
  "naïve.txt",
  "日本語",
  "🦉.bin",
  "e\u0301",
  "é",
  'quo"te',
  "back\\slash",
  "new\nline",
  ".hidden",
  "x.y.z",
];

/**
 * Makes a list of changes that the model allows, and applies it to the model. No path is named twice, except that what
 * is removed may be written again: so the result is the same in any reading of the order.
 */
export function makeRandomChanges(random: Random, model: Model, count: number): RandomChange[] {
  const changes: RandomChange[] = [];
  const touched = new Set<string>();
  for (let tries = 0; changes.length < count && tries < count * 8; tries++) {
    const made = makeChange(random, model, touched);
    if (made) changes.push(...made);
  }
  return changes;
}

function makeChange(random: Random, model: Model, touched: Set<string>): RandomChange[] | null {
  const kind = random();
  if (kind < 0.3) return create(random, model, touched, makePath(random));
  if (kind < 0.38) return overwrite(random, model, touched);
  if (kind < 0.48) return edit(random, model, touched);
  if (kind < 0.54) return append(random, model, touched);
  if (kind < 0.62) return remove(random, model, touched);
  if (kind < 0.74) return transfer(random, model, touched, "rename");
  if (kind < 0.82) return transfer(random, model, touched, "copy");
  if (kind < 0.9) return chmod(random, model, touched);
  return swap(random, model, touched);
}

function pick<T>(random: Random, items: readonly T[]): T | undefined {
  return items[Math.floor(random() * items.length)];
}

function makePath(random: Random): string {
  const depth = random() < 0.05 ? 12 : 1 + Math.floor(random() * 4);
  return Array.from({ length: depth }, () => pick(random, NAMES)).join("/");
}

function makeContent(random: Random): string {
  const lines = Math.floor(random() * 6);
  let text = "";
  for (let line = 0; line < lines; line++)
    text += `line ${Math.floor(random() * 1e9)}${random() < 0.2 ? "\r\n" : "\n"}`;
  if (random() < 0.2) text += String.fromCharCode(0, 255, 254, Math.floor(random() * 256));
  if (random() < 0.1) text = `\xef\xbb\xbf${text}`;
  return text;
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

function isFree(touched: ReadonlySet<string>, path: string): boolean {
  for (const other of touched) if (isWithin(path, other) || isWithin(other, path)) return false;
  return true;
}

/** Whether a file could be written at `path`: no file above it, nothing below it. */
function canHold(model: Model, path: string): boolean {
  for (const other of model.keys()) {
    if (other !== path && (isWithin(path, other) || isWithin(other, path))) return false;
  }
  return true;
}

function pickFile(
  random: Random,
  model: Model,
  touched: ReadonlySet<string>,
): [string, ModelFile] | undefined {
  return pick(
    random,
    [...model].filter(([path]) => isFree(touched, path)),
  );
}

function toBase64(content: string): string {
  return Buffer.from(content, "latin1").toString("base64");
}

function create(random: Random, model: Model, touched: Set<string>, path: string): RandomChange[] | null {
  if (!isFree(touched, path) || !canHold(model, path)) return null;
  touched.add(path);
  const modeChance = random();
  const old = model.get(path);
  if (modeChance < 0.15) {
    const content = `../${pick(random, NAMES)}`;
    model.set(path, { mode: "120000", content: Buffer.from(content).toString("latin1") });
    return [{ path, action: "create", content, mode: "120000" }];
  }
  const content = makeContent(random);
  const mode = modeChance < 0.3 ? "100755" : modeChance < 0.45 ? "100644" : undefined;
  const kept = old?.mode === "100755" ? "100755" : "100644";
  model.set(path, { mode: mode ?? kept, content });
  const encoded = { content: toBase64(content), encoding: "base64" };
  return [{ path, action: "create", ...encoded, ...(mode ? { mode } : {}) }];
}

function overwrite(random: Random, model: Model, touched: Set<string>): RandomChange[] | null {
  const file = pickFile(random, model, touched);
  return file ? create(random, model, touched, file[0]) : null;
}

function edit(random: Random, model: Model, touched: Set<string>): RandomChange[] | null {
  const file = pickFile(random, model, touched);
  const line = file && /line \d+/.exec(file[1].content)?.[0];
  if (!file || !line || file[1].content.split(line).length !== 2) return null;
  const [path, { mode, content }] = file;
  touched.add(path);
  const next = random() < 0.3 ? "" : `edited $& ${Math.floor(random() * 1000)} é`;
  model.set(path, { mode, content: content.split(line).join(Buffer.from(next).toString("latin1")) });
  return [{ path, action: "edit", edits: [{ old_string: line, new_string: next }] }];
}

function append(random: Random, model: Model, touched: Set<string>): RandomChange[] | null {
  const file = pickFile(random, model, touched);
  if (!file || file[1].mode === "120000") return null;
  const [path, { mode, content }] = file;
  touched.add(path);
  const more = makeContent(random);
  model.set(path, { mode, content: content + more });
  return [{ path, action: "append", content: toBase64(more), encoding: "base64" }];
}

/** A file, or a directory that holds some. */
function pickEntry(random: Random, model: Model, touched: ReadonlySet<string>): string | null {
  const file = pickFile(random, model, touched);
  if (!file) return null;
  const segments = file[0].split("/");
  const depth = random() < 0.4 ? 1 + Math.floor(random() * segments.length) : segments.length;
  const path = segments.slice(0, depth).join("/");
  return isFree(touched, path) ? path : null;
}

function removeFrom(model: Model, path: string): [string, ModelFile][] {
  const gone = [...model].filter(([other]) => isWithin(other, path));
  for (const [other] of gone) model.delete(other);
  return gone;
}

function remove(random: Random, model: Model, touched: Set<string>): RandomChange[] | null {
  const path = pickEntry(random, model, touched);
  if (!path) return null;
  touched.add(path);
  removeFrom(model, path);
  return [{ path, action: "delete" }];
}

function transfer(
  random: Random,
  model: Model,
  touched: Set<string>,
  action: "rename" | "copy",
): RandomChange[] | null {
  const path = pickEntry(random, model, touched);
  const target = makePath(random);
  if (!path || isWithin(target, path) || isWithin(path, target) || !isFree(touched, target)) return null;
  const isFile = model.has(path);
  if (!canHold(model, target) || (!isFile && model.has(target))) return null;
  touched.add(path).add(target);
  const moved = [...model].filter(([other]) => isWithin(other, path));
  if (action === "rename") removeFrom(model, path);
  for (const [other, file] of moved) model.set(target + other.slice(path.length), file);
  return [{ path, action, new_path: target }];
}

function chmod(random: Random, model: Model, touched: Set<string>): RandomChange[] | null {
  const file = pickFile(random, model, touched);
  if (!file || file[1].mode === "120000") return null;
  const [path, { content }] = file;
  touched.add(path);
  const mode = random() < 0.5 ? "100644" : "100755";
  model.set(path, { mode, content });
  return [{ path, action: "chmod", mode }];
}

/** A file becomes a directory, or a directory a file, in one commit. */
function swap(random: Random, model: Model, touched: Set<string>): RandomChange[] | null {
  const path = pickEntry(random, model, touched);
  if (!path) return null;
  const wasFile = model.has(path);
  touched.add(path);
  removeFrom(model, path);
  const target = wasFile ? `${path}/${pick(random, NAMES)}` : path;
  const content = makeContent(random);
  model.set(target, { mode: "100644", content });
  return [
    { path, action: "delete" },
    { path: target, action: "create", content: toBase64(content), encoding: "base64" },
  ];
}
