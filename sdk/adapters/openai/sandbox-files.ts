import type { MountedFS } from "../../mount/mounted-fs.ts";
import type { AllowedPaths } from "../paths/allowed-paths.ts";
import { createRunner, type RunCommand } from "../shell/mounted-shell.ts";
import { PatchEditor } from "./patch-editor.ts";

/** What a command gave, as a sandbox session says it. */
export interface SandboxExecResult {
  output: string;
  stdout: string;
  stderr: string;
  wallTimeSeconds: number;
  exitCode: number;
}

/** The file methods of a sandbox session, and `exec`. */
export class SandboxFiles {
  readonly #mount: MountedFS;
  readonly #paths: AllowedPaths;
  readonly #run: RunCommand;

  constructor(mount: MountedFS, paths: AllowedPaths) {
    this.#mount = mount;
    this.#paths = paths;
    this.#run = createRunner(mount);
  }

  /** Runs a command. */
  readonly exec = async ({ cmd, workdir }: { cmd: string; workdir?: string }): Promise<SandboxExecResult> => {
    const startedAt = Date.now();
    const cwd = await this.#paths.resolve(workdir ?? ".");
    const { stdout, stderr, exitCode } = await this.#run(cmd, { cwd });
    const wallTimeSeconds = (Date.now() - startedAt) / 1000;
    return { output: stdout + stderr, stdout, stderr, wallTimeSeconds, exitCode };
  };

  createEditor(): PatchEditor {
    return new PatchEditor(this.#mount, this.#paths);
  }

  /** A file's bytes, at most `maxBytes` of them. */
  async readFile({ path, maxBytes }: { path: string; maxBytes?: number }): Promise<Uint8Array> {
    const place = await this.#paths.resolve(path);
    if (maxBytes === undefined) return await this.#mount.readFile(place, "binary");
    if (maxBytes === 0) return new Uint8Array();
    return await this.#mount.readFileRange(place, 0, maxBytes - 1);
  }

  async listDir({
    path,
  }: {
    path: string;
  }): Promise<{ name: string; path: string; type: "file" | "dir" | "other" }[]> {
    const place = await this.#paths.resolve(path);
    const items = await this.#mount.readdir(place);
    return items.map(({ name, type, mode }) => ({
      name,
      path: `${place === "/" ? "" : place}/${name}`,
      type: type === "folder" ? "dir" : mode === "120000" ? "other" : "file",
    }));
  }

  async pathExists(path: string): Promise<boolean> {
    return await this.#mount.exists(await this.#paths.resolve(path));
  }

  async directoryExists(path: string): Promise<boolean> {
    const place = await this.#paths.resolve(path);
    return (await this.#mount.exists(place)) && (await this.#mount.stat(place)).type === "folder";
  }
}
