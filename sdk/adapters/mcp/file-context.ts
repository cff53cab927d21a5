import type { MountedFS } from "../../mount/mounted-fs.ts";
import type { MountDirent } from "../../mount/node/shapes/stats.ts";
import type { AllowedPaths } from "../paths/allowed-paths.ts";

/** What file tools work on. */
export interface FileContext {
  readonly mount: MountedFS;
  readonly paths: AllowedPaths;
}

/** Entries of a directory, links as links. */
export async function listEntries({ mount }: FileContext, path: string): Promise<MountDirent[]> {
  // With file types readdir gives entries.
  return (await mount.promises.readdir(path, { withFileTypes: true })) as MountDirent[];
}

/** One thing below a directory. */
export interface FoundItem {
  /** Path below the directory. */
  readonly inside: string;
  readonly name: string;
  readonly folder: boolean;
  readonly link: boolean;
}

/** Everything below a directory, directories before what they hold, links not followed. No request: listings are in memory. */
export async function listBelow({ mount }: FileContext, path: string): Promise<FoundItem[]> {
  const items = await mount.readdir(path, { recursive: true });
  const [first] = items;
  // A listing is depth first, so that the first item lies in the directory itself and shows how its paths begin.
  const prefix = first === undefined ? 0 : first.path.length - first.name.length;
  return items.map(({ path: full, name, type, mode }) => ({
    inside: full.slice(prefix),
    name,
    folder: type === "folder",
    link: mode === "120000",
  }));
}

/** Whether the parent of `inside`, or any directory above it, is in the set. */
export function isBelowAny(inside: string, directories: ReadonlySet<string>): boolean {
  for (let slash = inside.indexOf("/"); slash !== -1; slash = inside.indexOf("/", slash + 1)) {
    if (directories.has(inside.slice(0, slash))) return true;
  }
  return false;
}

const UNITS = ["B", "KB", "MB", "GB", "TB"];

/** `0 B`, `12 B`, `1.50 KB`: sizes as the reference server prints them. */
export function formatSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const unit = Math.min(Math.floor(Math.log(bytes) / Math.log(1024)), UNITS.length - 1);
  return `${(bytes / 1024 ** unit).toFixed(2)} ${UNITS[unit]}`;
}
