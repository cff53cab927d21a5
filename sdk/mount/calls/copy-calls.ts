import { type CallSite, errnoError } from "../kernel/errno.ts";
import { joinPath } from "../kernel/paths.ts";
import { isSame } from "../tree/compare.ts";
import { childrenOf, type FileContent, isDirectory, modeOf } from "../tree/nodes.ts";
import type { CallContext, Found } from "./call-context.ts";
import { requireFileTarget, requireSource, requireTarget, shareContent, type Target } from "./targets.ts";
import type { AfterWrite } from "./write-calls.ts";

/** Copies. Within one repository contents are shared and not read; into another one they go by their bytes. */
export class CopyCalls {
  readonly #context: CallContext;
  readonly #afterWrite: AfterWrite;

  constructor(context: CallContext, afterWrite: AfterWrite) {
    this.#context = context;
    this.#afterWrite = afterWrite;
  }

  /** Copies a file with its mode, following links at both ends. */
  async copyFile(
    from: unknown,
    to: unknown,
    site: CallSite,
    options: { readonly exclusive?: boolean } = {},
  ): Promise<void> {
    const open = () => {
      const source = requireSource(this.#context.resolve(from, site, true), site);
      const entry = () => this.#context.resolveEntry(to, site);
      const place = () => this.#context.resolve(to, site, true);
      const target = requireFileTarget({ entry, place }, options.exclusive ?? false, site);
      if (isDirectory(source.node)) throw errnoError("EISDIR", site);
      return { source, target };
    };
    for (;;) {
      const { source, target } = await this.#context.run(open, site);
      const bytes =
        shareContent(source, target.volume) === null ? await this.#readContent(source, site) : null;
      const copied = await this.#context.run(() => {
        const now = open();
        const content = shareContent(now.source, now.target.volume) ?? bytes;
        if (content === null || !isSame(now.source.node, source.node)) return null;
        const same = now.source.volume === now.target.volume && now.source.path === now.target.path;
        if (!same) this.#put(now.target, content, modeOf(now.source.node));
        return { ...now.target, same };
      }, site);
      if (copied === null) continue;
      if (!copied.same) await this.#afterWrite(copied.volume, [copied.path]);
      return;
    }
  }

  /**
   * Copies a file or link, or a directory with all below it, into what is there. A directory that goes where nothing is
   * in the same repository costs one step.
   */
  async copyTree(
    from: unknown,
    to: unknown,
    site: CallSite,
    options: { readonly keepExisting?: boolean } = {},
  ): Promise<void> {
    const open = () => {
      const source = requireSource(this.#context.resolveEntry(from, site), site);
      const target = requireTarget(this.#context.resolveEntry(to, site), site);
      if (source.volume === target.volume) checkNotBelow(source, target, site);
      return { source, target };
    };
    const { source, target } = await this.#context.run(open, site);
    // What is copied is the state at this moment: nodes that no later write reaches.
    source.volume.editor.freeze();
    await this.#copyInto(source, target, site, options.keepExisting ?? false);
    await this.#afterWrite(target.volume, [target.path]);
  }

  async #copyInto(source: Found, target: Target, site: CallSite, keepExisting: boolean): Promise<void> {
    const { editor } = target.volume;
    const present = target.volume.find(target.path);
    if (!isDirectory(source.node)) {
      if (present !== null && isDirectory(present)) throw errnoError("EISDIR", site);
      if (present !== null && keepExisting) return;
      const content = shareContent(source, target.volume) ?? (await this.#readContent(source, site));
      this.#put(target, content, modeOf(source.node));
      return;
    }
    if (present !== null && !isDirectory(present)) throw errnoError("ENOTDIR", site);
    if (present === null && source.volume === target.volume) {
      editor.set(target.path, source.node);
      return;
    }
    if (present === null) editor.set(target.path, editor.emptyDirectory());
    for (const [name, node] of childrenOf(source.node)) {
      const path = joinPath(target.path, name);
      const child = { ...source, path: joinPath(source.path, name), node };
      await this.#copyInto(child, { ...target, path, node: null }, site, keepExisting);
    }
  }

  async #readContent(source: Found, site: CallSite): Promise<FileContent> {
    const { bytes } = await this.#context.read(source, site);
    return { kind: "bytes", bytes, sha: null };
  }

  #put(target: Target, content: FileContent, mode: number): void {
    target.volume.editor.set(target.path, { kind: "file", mode, mtimeMs: this.#context.now(), content });
  }
}

/** A directory cannot be copied into itself, nor anything onto itself. */
function checkNotBelow(source: Found, target: Target, site: CallSite): void {
  const below =
    source.path === "" || target.path === source.path || target.path.startsWith(`${source.path}/`);
  if (below) throw errnoError("EINVAL", site);
}
