import type { BatchReply, BatchRequest, Blob, Tree } from "../contract/files.ts";
import type { RepoRef } from "../contract/names.ts";
import type { RefList } from "../contract/refs.ts";
import type { BytesReply, Result } from "../http/reply.ts";
import type { CallOptions, RequestFunction } from "../http/request.ts";
import { type ByteRange, type PageQuery, rangeHeaders } from "./paging.ts";

/** A path at a ref. */
export interface FileAddress {
  /** Branch, tag or commit sha; HEAD, which is the default branch, when absent. */
  readonly ref?: string;
  /** Path from the repository's root; empty for the root itself. */
  readonly path?: string;
}

export interface TreeOptions extends FileAddress, PageQuery {
  /** Everything below the path, depth first in git's order, directories included. */
  readonly recursive?: boolean;
}

export interface FileOptions extends FileAddress {
  readonly path: string;
  readonly range?: ByteRange;
}

/** Directories and file contents at any ref. */
export class Files {
  readonly #request: RequestFunction;

  constructor(request: RequestFunction) {
    this.#request = request;
  }

  /**
   * Lists a directory, or everything below it, with modes, shas and sizes; at most 10,000 entries a page.
   *
   * @example
   * const { data } = await cg.files.tree("my-app", { ref: "main", path: "src", recursive: true });
   * for (const item of data?.items ?? []) console.log(item.mode, item.path, item.size);
   */
  tree(repo: RepoRef, query: TreeOptions = {}, options: CallOptions = {}): Promise<Result<Tree>> {
    const { ref = "HEAD", path = "", recursive = false, ...page } = query;
    const params = { repo, ref, path };
    const flag = recursive ? { recursive: "true" as const } : {};
    return this.#request("GET /repos/:repo/tree/:ref/*path", {
      ...options,
      params,
      query: { ...page, ...flag },
    });
  }

  /**
   * One file as JSON: text, or base64 when it is not UTF-8. A byte range may be asked for.
   *
   * @example
   * const { data } = await cg.files.blob("my-app", { ref: "main", path: "README.md" });
   * console.log(data?.content);
   */
  blob(repo: RepoRef, file: FileOptions, options: CallOptions = {}): Promise<Result<Blob>> {
    const { ref = "HEAD", path, range } = file;
    const headers = { ...options.headers, ...rangeHeaders(range) };
    return this.#request("GET /repos/:repo/blob/:ref/*path", {
      ...options,
      headers,
      params: { repo, ref, path },
    });
  }

  /**
   * Up to 100 files in one request, in the order asked; paths that do not exist are in `missing`.
   *
   * @example
   * const { data } = await cg.files.blobs("my-app", { ref: "main", paths: ["README.md", "src/app.ts"] });
   * console.log(data?.blobs.length, data?.missing);
   */
  blobs(repo: RepoRef, body: BatchRequest, options: CallOptions = {}): Promise<Result<BatchReply>> {
    return this.#request("POST /repos/:repo/blobs/batch", {
      ...options,
      params: { repo },
      body,
      readOnly: true,
    });
  }

  /**
   * A file's bytes as a stream, whatever its size; a byte range may be asked for.
   *
   * @example
   * const { data } = await cg.files.raw("my-app", { path: "logo.png" });
   * if (data) console.log((await new Response(data.body).arrayBuffer()).byteLength);
   */
  raw(repo: RepoRef, file: FileOptions, options: CallOptions = {}): Promise<Result<BytesReply>> {
    const { ref = "HEAD", path, range } = file;
    const headers = { ...options.headers, ...rangeHeaders(range) };
    const params = { repo, ref, path };
    return this.#request("GET /repos/:repo/raw/:ref/*path", { ...options, headers, params, format: "bytes" });
  }

  /**
   * Branches and tags, as `cg.refs.list` gives them.
   *
   * @example
   * const { data } = await cg.files.refs("my-app");
   */
  refs(repo: RepoRef, query: PageQuery = {}, options: CallOptions = {}): Promise<Result<RefList>> {
    return this.#request("GET /repos/:repo/refs", { ...options, params: { repo }, query });
  }
}
