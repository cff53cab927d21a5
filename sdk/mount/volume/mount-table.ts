import { joinPath } from "../kernel/paths.ts";
import type { Volume } from "./volume.ts";

/** A place in a mount: in a repository, or above all of them. */
export interface Spot {
  /** null: the root of a mount of several repositories. */
  readonly volume: Volume | null;
  /** Path in the repository. */
  readonly path: string;
}

/**
 * Which repository a path belongs to. `/<name>/…` always means the repository mounted under that name. With one
 * repository `/…` means it too, so its own entry that is called like the mount is reached as `/<name>/<name>`; a mount
 * with the name "" has the plain form only, and no such double meaning.
 */
export class MountTable {
  readonly volumes: readonly Volume[];
  readonly #byName: ReadonlyMap<string, Volume>;
  /** The repository that `/…` means, when there is one. */
  readonly single: Volume | null;

  constructor(volumes: readonly Volume[]) {
    this.volumes = volumes;
    this.#byName = new Map(volumes.map((volume) => [volume.name, volume]));
    this.single = volumes.length === 1 ? (volumes[0] ?? null) : null;
  }

  find(name: string): Volume | null {
    return this.#byName.get(name) ?? null;
  }

  /** Repository and path of a plain absolute path; null when its first segment names no repository. */
  route(text: string): Spot | null {
    const slash = text.indexOf("/", 1);
    const name = slash === -1 ? text.slice(1) : text.slice(1, slash);
    if (this.single !== null && (name === "" || name !== this.single.name)) {
      return { volume: this.single, path: text.slice(1) };
    }
    if (name === "") return { volume: null, path: "" };
    const volume = this.find(name);
    return volume === null ? null : { volume, path: slash === -1 ? "" : text.slice(slash + 1) };
  }

  /** The documented form of a place, which every mount takes back. */
  format(volume: Volume | null, path: string): string {
    return volume === null ? "/" : `/${joinPath(volume.name, path)}`;
  }
}
