import { applyDiff } from "@openai/agents-core";
import type { MountedFS } from "../../mount/mounted-fs.ts";
import type { AllowedPaths } from "../paths/allowed-paths.ts";
import { inTurn } from "../text/in-turn.ts";
import { readText } from "../text/read-text.ts";

/** What became of one operation. */
export interface PatchResult {
  readonly status: "completed" | "failed";
  /** For the model. */
  readonly output: string;
}

interface CreateOperation {
  readonly path: string;
  readonly diff: string;
}

interface UpdateOperation extends CreateOperation {
  readonly moveTo?: string | undefined;
}

/** The `Editor` of `applyPatchTool`: V4A patches on the files of a mount. A failed operation changes nothing. */
export class PatchEditor {
  readonly #mount: MountedFS;
  readonly #paths: AllowedPaths;

  constructor(mount: MountedFS, paths: AllowedPaths) {
    this.#mount = mount;
    this.#paths = paths;
  }

  /** Makes a file that does not exist yet, with its directories. */
  createFile({ path, diff }: CreateOperation): Promise<PatchResult> {
    return this.#report(`create ${path}`, async () => {
      const place = await this.#paths.resolve(path);
      if (await this.#mount.exists(place)) throw new Error("it exists already: update it instead");
      await this.#mount.writeFile(place, applyDiff("", diff, "create"));
      return `Created ${path}`;
    });
  }

  /** Patches a text file, and moves it to where nothing is. */
  updateFile({ path, diff, moveTo }: UpdateOperation): Promise<PatchResult> {
    return this.#report(`update ${path}`, async () => {
      const place = await this.#paths.resolve(path);
      const before = await readText(this.#mount, place);
      const after = applyDiff(before, diff);
      const target = moveTo === undefined ? place : await this.#paths.resolve(moveTo);
      if (target !== place) {
        if (await this.#mount.exists(target)) throw new Error(`${moveTo} exists already`);
        // A move keeps the mode of the file, which a new one would not have.
        await this.#mount.rename(place, target);
      }
      if (after !== before) await this.#mount.writeFile(target, after);
      return target === place ? `Updated ${path}` : `Updated ${path}, now ${moveTo}`;
    });
  }

  deleteFile({ path }: { readonly path: string }): Promise<PatchResult> {
    return this.#report(`delete ${path}`, async () => {
      await this.#mount.rm(await this.#paths.resolveLink(path));
      return `Deleted ${path}`;
    });
  }

  async #report(title: string, work: () => Promise<string>): Promise<PatchResult> {
    try {
      return { status: "completed", output: await inTurn(this.#mount, work) };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { status: "failed", output: `Could not ${title}: ${reason}` };
    }
  }
}
