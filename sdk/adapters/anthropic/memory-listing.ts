import type { DirectoryItem } from "../../mount/faces/shapes.ts";

const UNITS = ["B", "K", "M", "G"];

/** `512B`, `1.5K`, `2M`: a size as the memory tool shows it. */
export function formatSize(bytes: number): string {
  let unit = 0;
  let size = bytes;
  while (size >= 1024 && unit < UNITS.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${Number.isInteger(size) ? size : size.toFixed(1)}${UNITS[unit]}`;
}

/** One line of a memory listing. */
export interface ListedItem {
  /** Path below the directory; a directory's ends with a slash. */
  readonly inside: string;
  /** Bytes of the file, or of all files below the directory. */
  readonly size: number;
}

function isHidden(name: string): boolean {
  return name.startsWith(".") || name === "node_modules";
}

function compareSegments(a: readonly string[], b: readonly string[]): number {
  const at = a.findIndex((segment, index) => segment !== b[index]);
  if (at === -1) return a.length - b.length;
  const other = b[at];
  return other === undefined || (a[at] ?? "") > other ? 1 : -1;
}

/**
 * What is up to two levels below a directory, hidden names left out, directories before what they hold.
 *
 * @param items everything below it, depth first, as `readdir` gives it.
 */
export function listTwoLevels(items: readonly DirectoryItem[]): { items: ListedItem[]; size: number } {
  const [first] = items;
  const prefix = first === undefined ? 0 : first.path.length - first.name.length;
  const found: { segments: string[]; folder: boolean }[] = [];
  const sums = new Map<string, number>();
  let total = 0;
  for (const { path, size, type } of items) {
    const segments = path.slice(prefix).split("/");
    const key = segments.slice(0, 2).join("/");
    const top = segments[0] ?? "";
    total += size;
    if (segments.length > 1) sums.set(top, (sums.get(top) ?? 0) + size);
    sums.set(key, (sums.get(key) ?? 0) + size);
    if (segments.length <= 2 && !segments.some(isHidden)) found.push({ segments, folder: type === "folder" });
  }
  const listed = found
    .sort((a, b) => compareSegments(a.segments, b.segments))
    .map(({ segments, folder }) => {
      const inside = segments.join("/");
      return { inside: folder ? `${inside}/` : inside, size: sums.get(inside) ?? 0 };
    });
  return { items: listed, size: total };
}
