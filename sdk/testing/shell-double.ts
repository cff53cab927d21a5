import { Bash } from "just-bash";
import type { MountedFS } from "../mount/mounted-fs.ts";

/** What `bash().exec` takes here. */
interface ExecOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Gives a mount a real shell over a copy of its files, links left out, whose changes are written back: for tests of what stands on
 * `bash()` and does not care how it runs.
 */
export function addShell(mount: MountedFS): MountedFS {
  const exec = async (command: string, { cwd = "/", env = {} }: ExecOptions = {}) => {
    const kinds = await mount.readdir("/", { recursive: true, withFileTypes: true });
    const paths = kinds.filter((item) => item.isFile()).map(({ path }) => path);
    const files = Object.fromEntries(
      await Promise.all(paths.map(async (path) => [path, await mount.readFile(path)] as const)),
    );
    const bash = new Bash({ files });
    const { stdout, stderr, exitCode } = await bash.exec(command, { cwd, env: { ...env } });
    for (const path of paths) if (!(await bash.fs.exists(path))) await mount.rm(path);
    for (const path of bash.fs.getAllPaths()) {
      if (!/^\/(bin|dev|proc|usr|etc|tmp|home)(\/|$)/.test(path) && (await bash.fs.stat(path)).isFile) {
        const text = await bash.fs.readFile(path);
        if (files[path] !== text) await mount.writeFile(path, text);
      }
    }
    return { stdout, stderr, exitCode };
  };
  return Object.assign(mount, { bash: () => ({ exec }) });
}

/** Takes the shell from a mount, for what is to happen where there is none. */
export function removeShell(mount: MountedFS): MountedFS {
  return Object.assign(mount, { bash: undefined });
}
