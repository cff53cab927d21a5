import type { RepoRef } from "../contract/names.ts";
import type { Clock } from "../http/clock.ts";
import type { Result } from "../http/reply.ts";
import type { CallOptions, RequestFunction } from "../http/request.ts";
import type { WatchNews } from "../http/watch-events.ts";

export interface WatchQuery {
  /** One branch, several, or "*" for all; the default branch when absent. */
  readonly branch?: string | readonly string[] | undefined;
  /** Go on after this event of an earlier watch. */
  readonly lastEventId?: string | undefined;
}

/** What happens to branches, as it happens. */
export class Watch {
  readonly #request: RequestFunction;
  readonly #clock: Clock;

  constructor(request: RequestFunction, clock: Clock) {
    this.#request = request;
    this.#clock = clock;
  }

  /**
   * Every move of one or several branches, in order and once each. The stream connects again by itself and misses
   * nothing in between: it says `reset` when it would have to. It ends when the loop is left or the signal aborts, and
   * throws when the key is revoked or the repository deleted.
   *
   * @example
   * const { data: events, error } = await cg.watch.open("my-app", { branch: "main" });
   * if (error) throw error;
   * for await (const event of events) if (event.event === "commit") console.log(event.sha, event.paths);
   */
  async open(
    repo: RepoRef,
    query: WatchQuery = {},
    options: CallOptions = {},
  ): Promise<Result<AsyncGenerator<WatchNews, void, undefined>>> {
    const { openWatch } = await import("../http/watch-events.ts");
    const { branch, lastEventId } = query;
    const names =
      branch === undefined || branch === "*" ? branch : [branch].flat().map(escapeComma).join(",");
    return await openWatch(
      { request: this.#request, clock: this.#clock },
      { repo, branch: names, lastEventId },
      options,
    );
  }
}

function escapeComma(name: string): string {
  return name.replaceAll(",", "\\,");
}
