import { MountError } from "../../errors.ts";
import type { CallContext } from "../calls/call-context.ts";
import type { CopyCalls } from "../calls/copy-calls.ts";
import { type AfterWrite, WriteCalls, type WriteMode } from "../calls/write-calls.ts";
import type { FileEdit } from "../edit/apply-edits.ts";
import type { EditResult } from "../edit/edit-file.ts";
import { errnoError } from "../kernel/errno.ts";
import { type FileData, readData } from "../node/arguments/file-data.ts";
import { createNodeFs, type NodeFsPromises } from "../node/node-fs.ts";
import { ReadFace } from "./read-face.ts";

/** One file for `writeFiles`. */
export interface FileToWrite {
  readonly path: string;
  readonly content: FileData;
  /** New files are made executable. */
  readonly executable?: boolean;
}

/** The writing methods of a mount. */
export abstract class WriteFace extends ReadFace {
  readonly promises: NodeFsPromises;
  protected readonly writes: WriteCalls;
  protected readonly copies: () => Promise<CopyCalls>;

  constructor(context: CallContext, afterWrite: AfterWrite) {
    super(context);
    this.writes = new WriteCalls(context, afterWrite);
    this.copies = async () => new (await import("../calls/copy-calls.ts")).CopyCalls(context, afterWrite);
    const { reads, writes, copies } = this;
    this.promises = createNodeFs({ context, reads, writes, copies, afterWrite });
  }

  async writeFile(
    path: string,
    data: FileData,
    options: { readonly executable?: boolean } = {},
  ): Promise<void> {
    await this.write(path, data, options);
  }

  async appendFile(path: string, data: FileData): Promise<void> {
    await this.write(path, data, { append: true });
  }

  /** Writes several files, all or none; in mode "auto" they are one commit. */
  async writeFiles(files: readonly FileToWrite[] | Readonly<Record<string, FileData>>): Promise<void> {
    const list: readonly FileToWrite[] = isFileList(files)
      ? files
      : Object.entries(files).map(([path, content]) => ({ path, content }));
    const read = list.map(async ({ path, content, executable = false }) => ({
      path,
      bytes: await readData(content),
      executable,
    }));
    await this.writes.writeFiles(await Promise.all(read));
  }

  /**
   * Edits a file in place, all edits or none: `{ old, new }` where `old` is there exactly once (or `count` times, or
   * `all`), `{ range: [from, to], content }` for lines. Texts are replaced in their order, then ranges. Byte order mark,
   * line ends, other bytes and the executable bit stay. A refused edit rejects with EINVAL; its `data` says how often
   * the text is there and where, or which lines are most like it.
   */
  async edit(
    path: string,
    edits: FileEdit | readonly FileEdit[],
    options: { readonly diff?: boolean } = {},
  ): Promise<EditResult> {
    this.context.checkOpen({ syscall: "edit", path });
    const { editFile } = await import("../edit/edit-file.ts");
    const list = "length" in edits ? edits : [edits];
    return await editFile(this.writes, path, { edits: list, diff: options.diff ?? false });
  }

  /**
   * Makes a directory and those above it; one that exists is no error unless `recursive` is false. The mount remembers
   * it, git cannot: with `keep` it gets a `.gitkeep` file and so becomes part of the next commit.
   */
  async mkdir(
    path: string,
    options: { readonly recursive?: boolean; readonly keep?: boolean } = {},
  ): Promise<void> {
    await this.writes.mkdir(path, { syscall: "mkdir", path }, { recursive: options.recursive ?? true });
    if (options.keep) await this.write(`${path}/.gitkeep`, "", {});
  }

  /** Removes a file or link; a directory only with `recursive`. With `force` a missing path is no error. */
  async rm(
    path: string,
    options: { readonly recursive?: boolean; readonly force?: boolean } = {},
  ): Promise<void> {
    await this.promises.rm(path, options);
  }

  async rmdir(path: string): Promise<void> {
    await this.writes.rmdir(path, { syscall: "rmdir", path });
  }

  async unlink(path: string): Promise<void> {
    await this.writes.unlink(path, { syscall: "unlink", path });
  }

  /** Moves a file, link or directory, replacing a file or an empty directory. A directory costs one change in a commit. */
  async rename(from: string, to: string): Promise<void> {
    const site = { syscall: "rename", path: from, dest: to };
    await this.withParents(to, () => this.writes.rename(from, to, site));
  }

  /** The same as `rename`. */
  async mv(from: string, to: string): Promise<void> {
    await this.rename(from, to);
  }

  /** Copies a file or link, or with `recursive` a directory into `to`; contents are not read when they stay in one repository. */
  async cp(
    from: string,
    to: string,
    options: { readonly recursive?: boolean; readonly force?: boolean } = {},
  ): Promise<void> {
    const site = { syscall: "cp", path: from, dest: to };
    const source = await this.reads.find(from, site, false);
    if (
      !options.recursive &&
      (source === null || source.node.kind === "dir" || (await this.stat(from)).type === "folder")
    ) {
      throw errnoError("EISDIR", site);
    }
    const keepExisting = options.force === false;
    await this.withParents(to, async () => (await this.copies()).copyTree(from, to, site, { keepExisting }));
  }

  /** Copies one file, following links. */
  async copyFile(from: string, to: string): Promise<void> {
    const site = { syscall: "copyfile", path: from, dest: to };
    await this.withParents(to, async () => (await this.copies()).copyFile(from, to, site));
  }

  async symlink(target: string, path: string): Promise<void> {
    await this.withParents(path, () => this.promises.symlink(target, path));
  }

  /** Sets or clears the executable bit, which is all of a mode that git keeps. */
  async chmod(path: string, mode: number | string): Promise<void> {
    await this.promises.chmod(path, mode);
  }

  async truncate(path: string, length = 0): Promise<void> {
    await this.writes.truncate(path, length, { syscall: "open", path });
  }

  /** Accepted and not stored: git keeps no file times. */
  async utimes(path: string, atime: number | string | Date, mtime: number | string | Date): Promise<void> {
    await this.promises.utimes(path, atime, mtime);
  }

  protected async write(path: string, data: FileData, mode: WriteMode): Promise<void> {
    const site = { syscall: "open", path };
    const read = readData(data);
    const bytes = read instanceof Promise ? await read : read;
    await this.withParents(path, () => this.writes.writeFile(path, bytes, site, mode));
  }

  /** Runs a call again with the directories above `path` made, when it fails for want of them. */
  protected async withParents(path: string, call: () => Promise<void>): Promise<void> {
    try {
      await call();
    } catch (error) {
      const parent = path.slice(0, path.replace(/\/+$/, "").lastIndexOf("/"));
      if (!(error instanceof MountError && error.code === "ENOENT") || parent === "") throw error;
      if (await this.exists(parent)) throw error;
      await this.writes.mkdir(parent, { syscall: "mkdir", path: parent }, { recursive: true });
      await call();
    }
  }
}

function isFileList(
  files: readonly FileToWrite[] | Readonly<Record<string, FileData>>,
): files is readonly FileToWrite[] {
  return Array.isArray(files);
}
