/** The calls that both sides have, loosely typed: the suite passes bad arguments on purpose. */
export type LooseFs = Readonly<Record<string, (...args: never[]) => unknown>>;

/** A call as data: name and arguments. */
export type Step = readonly [method: string, ...args: unknown[]];

/** A call of a filesystem by its name. */
export function call(fs: LooseFs, [method, ...args]: Step): unknown {
  const found = fs[method];
  if (found === undefined) throw new TypeError(`no such call: ${method}`);
  return found(...(args as never[])); // What is passed is what is tested.
}

function kindOf(value: { isFile(): boolean; isDirectory(): boolean; isSymbolicLink(): boolean }): string {
  if (value.isFile()) return "file";
  if (value.isDirectory()) return "directory";
  return value.isSymbolicLink() ? "link" : "other";
}

interface StatsLike {
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
  isFIFO(): boolean;
  readonly size: number | bigint;
  readonly mode: number | bigint;
}

interface DirentLike extends StatsLike {
  readonly name: string | Uint8Array;
  readonly parentPath: string;
}

const NUMBERS = ["dev", "ino", "nlink", "uid", "gid", "rdev", "blksize", "blocks", "size", "mode"] as const;
const TIMES = ["atime", "mtime", "ctime", "birthtime"] as const;

/** What is promised of Stats: every field in its type, and the values that do not depend on the disk. */
function describeStats(stats: StatsLike): string {
  const fields = stats as unknown as Readonly<Record<string, unknown>>; // Each is looked at below.
  const types = new Set(NUMBERS.map((name) => typeof fields[name]));
  const times = TIMES.every((name) => {
    const ms = fields[`${name}Ms`];
    return fields[name] instanceof Date && typeof ms === typeof stats.size;
  });
  const kind = kindOf(stats);
  const mode = Number(stats.mode);
  const shape = `${[...types].join("|")} ${times ? "times" : "no times"} 0${((mode & 0o170000) >>> 0).toString(8)}`;
  // Sizes of directories and permission bits beyond the owner's execute bit are the disk's own.
  if (kind !== "file") return `${kind} ${shape}`;
  return `file ${stats.size} ${mode & 0o100 ? "x" : "-"} ${shape}`;
}

function describeBytes(bytes: Uint8Array): string {
  const { Buffer } = globalThis as { Buffer?: { isBuffer(value: unknown): boolean } }; // Absent in browsers.
  const text = new TextDecoder("utf-8", { fatal: false }).decode(bytes);
  return `${Buffer?.isBuffer(bytes) ? "Buffer" : "Uint8Array"} ${JSON.stringify(text)}`;
}

/** A result as text that two sides can be compared by. */
export function describeValue(value: unknown): string {
  if (value instanceof Uint8Array) return describeBytes(value);
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map(describeValue).sort().join(", ")}]`;
  if ("isFIFO" in value) {
    if (!("name" in value)) return describeStats(value as StatsLike);
    const entry = value as DirentLike;
    return `${kindOf(entry)} ${describeValue(entry.name)} in ${describeValue(entry.parentPath)}`;
  }
  if ("fd" in value) return `handle ${typeof value.fd}`;
  const prototype = Object.getPrototypeOf(value) === null ? "null-prototype " : "";
  const fields = Object.entries(value).map(([name, field]) => `${name}: ${describeValue(field)}`);
  return `${prototype}{${fields.join(", ")}}`;
}

const OWN_NAMES: ReadonlySet<string> = new Set(["TypeError", "RangeError", "AbortError"]);

/** An error with everything that a caller may branch on. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return `throws ${String(error)}`;
  const facts = error as Error & Readonly<Record<string, unknown>>; // Each is looked at below.
  const name = OWN_NAMES.has(error.name) ? `${error.name} ` : "";
  const { code, errno, syscall, path, dest } = facts;
  const parts = [code, errno, syscall, path, dest].filter((part) => part !== undefined).map(String);
  return `throws ${name}${parts.join(" ")} | ${error.message}`;
}

/** The answer of a call, whether it succeeds or fails. */
export async function answerOf(work: () => unknown): Promise<string> {
  try {
    const value = await work();
    const text = describeValue(value);
    if (typeof value === "object" && value !== null && "fd" in value)
      await (value as unknown as { close(): Promise<void> }).close();
    return text;
  } catch (error) {
    return describeError(error);
  }
}

/** Everything that a filesystem holds, one line per entry. */
export async function snapshot(fs: LooseFs): Promise<string> {
  const lines: string[] = [];
  const pending = [""];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    for (const name of (await call(fs, ["readdir", path || "/"])) as string[]) {
      const child = `${path}/${name}`;
      const stats = (await call(fs, ["lstat", child])) as StatsLike;
      const kind = kindOf(stats);
      if (kind === "directory") pending.push(child);
      const mode = Number(stats.mode) & 0o100 && kind === "file" ? "x" : "-";
      const content = kind === "file" ? await call(fs, ["readFile", child, "utf8"]) : "";
      const target = kind === "link" ? await call(fs, ["readlink", child]) : "";
      lines.push(`${child} ${kind} ${mode} ${content}${target}`);
    }
  }
  return lines.sort().join("\n");
}

/** A snapshot as a commit keeps it: without directories that hold no file. */
export function withoutEmptyDirectories(tree: string): string {
  const lines = tree.split("\n");
  const kept = lines.filter((line) => {
    const path = line.slice(0, line.indexOf(" directory "));
    return (
      !line.includes(" directory ") ||
      lines.some((other) => other.startsWith(`${path}/`) && !other.includes(" directory "))
    );
  });
  return kept.join("\n");
}
