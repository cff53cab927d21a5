import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, sep } from "node:path";

/** A file of the tree, as it goes into a commit. */
export interface SourceFile {
  readonly path: string;
  /** Where it lies on disk. */
  readonly from: string;
  readonly mode: "100644" | "100755";
  readonly bytes: Buffer;
  /** Not valid UTF-8: sent as base64. */
  readonly binary: boolean;
}

export interface SourceTree {
  readonly packages: readonly string[];
  /** In path order. */
  readonly files: readonly SourceFile[];
}

const MAX_FILE_BYTES = 10 * 1024 * 1024;
const MIN_FILES = 1_000;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The folder that holds this installation's packages. */
export function findPackagesFolder(): string {
  const typescript = createRequire(import.meta.url).resolve("typescript/package.json");
  return join(typescript, "../..");
}

/**
 * A real source tree out of `folder`: the packages with the most files until there are a thousand, and then the
 * largest one that has binary files. The same installation gives the same tree.
 * @throws Error when the installation has no such tree
 */
export function findSourceTree(folder: string): SourceTree {
  const packages = listPackages(folder)
    .map((name) => ({ name, files: readPackage(folder, name) }))
    .filter(({ files }) => files.length > 0)
    .sort((a, b) => b.files.length - a.files.length || (a.name < b.name ? -1 : 1));
  const chosen: typeof packages = [];
  const count = () => chosen.reduce((sum, { files }) => sum + files.length, 0);
  for (const candidate of packages) {
    if (count() < MIN_FILES) chosen.push(candidate);
  }
  if (!chosen.some(({ files }) => hasBinary(files))) {
    chosen.push(...packages.filter(({ files }) => hasBinary(files)).slice(0, 1));
  }
  const files = chosen.flatMap(({ files }) => files).sort((a, b) => (a.path < b.path ? -1 : 1));
  if (files.length < MIN_FILES || !hasBinary(files)) {
    throw new Error(`${folder} has no source tree of ${MIN_FILES} files with binary files among them`);
  }
  return { packages: chosen.map(({ name }) => name), files };
}

function hasBinary(files: readonly SourceFile[]): boolean {
  return files.some(({ binary }) => binary);
}

function listPackages(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    // Links are workspaces: this project itself.
    if (!entry.isDirectory() || entry.name.startsWith(".")) return [];
    if (!entry.name.startsWith("@")) return [entry.name];
    return readdirSync(join(folder, entry.name)).map((name) => `${entry.name}/${name}`);
  });
}

/** Every file of a package, or none when one of them is too large: a tree is taken whole or not at all. */
function readPackage(folder: string, name: string): SourceFile[] {
  if (!existsSync(join(folder, name, "package.json"))) return [];
  const paths = listFiles(join(folder, name), name);
  const sizes = paths.map((path) => lstatSync(join(folder, path)));
  if (sizes.some(({ size }) => size > MAX_FILE_BYTES)) return [];
  return paths.map((path, i) => {
    const from = join(folder, path);
    const bytes = readFileSync(from);
    const mode = ((sizes[i]?.mode ?? 0) & 0o100) === 0 ? "100644" : "100755";
    return { path: path.split(sep).join("/"), from, mode, bytes, binary: !isUtf8(bytes) };
  });
}

function listFiles(folder: string, path: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === "node_modules" || entry.name === ".git") return [];
    const below = join(path, entry.name);
    if (entry.isDirectory()) return listFiles(join(folder, entry.name), below);
    return entry.isFile() ? [below] : [];
  });
}

function isUtf8(bytes: Buffer): boolean {
  if (bytes.includes(0)) return false;
  try {
    utf8.decode(bytes);
    return true;
  } catch (error) {
    // A fatal decoder's way to say no.
    if (error instanceof TypeError) return false;
    throw error;
  }
}

/** The file as a change of a commit. */
export function toChange(file: SourceFile) {
  return file.binary
    ? {
        path: file.path,
        content: file.bytes.toString("base64"),
        encoding: "base64" as const,
        mode: file.mode,
      }
    : { path: file.path, content: utf8.decode(file.bytes), mode: file.mode };
}

export function sumBytes(files: readonly SourceFile[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes.length, 0);
}
