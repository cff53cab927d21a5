import type { RepoRef } from "../contract/names.ts";
import type { Tag, TagCreate, TagList } from "../contract/tags.ts";
import type { Result } from "../http/reply.ts";
import type { CallOptions, RequestFunction } from "../http/request.ts";
import type { PageQuery } from "./paging.ts";

/** Tags, lightweight and annotated. */
export class Tags {
  readonly #request: RequestFunction;

  constructor(request: RequestFunction) {
    this.#request = request;
  }

  /**
   * Creates a tag; with a `message` an annotated one.
   *
   * @example
   * await cg.tags.create("my-app", { name: "v1.0.0", target: "main", message: "First release" });
   */
  create(repo: RepoRef, body: TagCreate, options: CallOptions = {}): Promise<Result<Tag>> {
    return this.#request("POST /repos/:repo/tags", { ...options, params: { repo }, body });
  }

  /**
   * One page of tags in byte order.
   *
   * @example
   * const { data } = await cg.tags.list("my-app");
   */
  list(repo: RepoRef, query: PageQuery = {}, options: CallOptions = {}): Promise<Result<TagList>> {
    return this.#request("GET /repos/:repo/tags", { ...options, params: { repo }, query });
  }

  /**
   * One tag with the object behind it.
   *
   * @example
   * const { data } = await cg.tags.get("my-app", "v1.0.0");
   * console.log(data?.target_sha);
   */
  get(repo: RepoRef, name: string, options: CallOptions = {}): Promise<Result<Tag>> {
    return this.#request("GET /repos/:repo/tags/*name", { ...options, params: { repo, name } });
  }

  /**
   * Deletes a tag.
   *
   * @example
   * await cg.tags.delete("my-app", "v1.0.0");
   */
  delete(repo: RepoRef, name: string, options: CallOptions = {}): Promise<Result<{ deleted: true }>> {
    return this.#request("DELETE /repos/:repo/tags/*name", { ...options, params: { repo, name } });
  }
}
