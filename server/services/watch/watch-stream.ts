import type { WatchEnd, WatchEvent } from "../../../sdk/contract/watch.ts";
import { encodeUtf8 } from "../../git/bytes/text.ts";
import type { BranchMove, Feed, FeedEnd, FeedSink } from "../../ports/watch.ts";
import type { ChangedPaths } from "./changed-paths.ts";

/** Repeated work; the platform's timers, or a test's. */
export interface Timers {
  /** Calls `task` every `ms` until what it gives is called. */
  every(ms: number, task: () => void): () => void;
}

export interface WatchStreamDeps {
  readonly timers: Timers;
  readonly now: () => number;
  readonly listPaths: (move: BranchMove) => Promise<ChangedPaths>;
  /** Event ids of this repository begin with it, so that those of another are known for what they are. */
  readonly idPrefix: string;
  readonly bufferBytes: number;
  /** Moves that may wait for their paths. */
  readonly maxWaiting: number;
  /** When the reader's credential ends by itself; null: never. Nothing is told after it. */
  readonly endsAtMs: number | null;
}

const KEEP_ALIVE_MS = 20_000;
/** A stream asks its reader to come again after about an hour, so that none outlives a deployment for ever. */
const ROTATE_MS = 60 * 60 * 1_000;

const END_MESSAGES: Readonly<Record<WatchEnd["reason"], string>> = {
  revoked: "The credential was revoked",
  "repository-deleted": "The repository was deleted",
  "too-slow": "Events came faster than they were read; connect again with the last id",
};

/**
 * One watch as a `text/event-stream`: moves in, events out, in order. It holds no more than its bounds: a reader that
 * does not keep up is cut off with an `end` event, and finds everything again by Last-Event-ID.
 */
export class WatchStream implements FeedSink {
  readonly body: ReadableStream<Uint8Array>;
  readonly #deps: WatchStreamDeps;
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  readonly #waiting: BranchMove[] = [];
  readonly #releases: (() => void)[] = [];
  #pumping = false;
  #feed: Feed | null = null;
  #sha: string | null = null;

  constructor(deps: WatchStreamDeps) {
    this.#deps = deps;
    this.body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        cancel: () => this.#release(),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: deps.bufferBytes }),
    );
  }

  /** Runs when the stream is over, however it ends; at once when it is over already. */
  onRelease(release: () => void): void {
    if (this.#controller) this.#releases.push(release);
    else release();
  }

  /** Sends the first events; moves that came before wait for it. */
  begin(feed: Feed): void {
    this.#feed = feed;
    this.onRelease(() => feed.close());
    this.#sendStart(feed);
    const { timers } = this.#deps;
    this.onRelease(timers.every(KEEP_ALIVE_MS, () => this.#keepAlive()));
    this.onRelease(timers.every(ROTATE_MS, () => this.#rotate()));
    void this.#pump();
  }

  onMoves(moves: readonly BranchMove[]): void {
    this.#waiting.push(...moves);
    if (this.#hasRunOut()) this.#rotate();
    else if (this.#waiting.length > this.#deps.maxWaiting) this.end("too-slow");
    else void this.#pump();
  }

  onEnd(reason: FeedEnd): void {
    if (reason === "lost") this.#rotate();
    else this.end(reason);
  }

  /** The credential can no longer be told to be good: the reader has to prove it again. */
  onLost(): void {
    this.#rotate();
  }

  end(reason: WatchEnd["reason"]): void {
    this.#finish({ event: "end", reason, message: END_MESSAGES[reason] });
  }

  #sendStart({ start }: Feed): void {
    const { resumed } = start;
    if (resumed === "too-old" || resumed === "unknown-id") {
      const message =
        resumed === "too-old"
          ? "More has happened since Last-Event-ID than is told again"
          : "Last-Event-ID is not an id of this repository";
      this.#send({ event: "reset", reason: resumed, message }, null);
    }
    // While older moves follow, the id that the reader has stays what it resumes from.
    const id = resumed === "yes" ? null : start.last;
    if (start.branches.length === 0) this.#send({ event: "connected", branch: "*", sha: null }, id);
    for (const { name, oid } of start.branches)
      this.#send({ event: "connected", branch: name, sha: oid }, id);
    if (start.branches.length === 1) this.#sha = start.branches[0]?.oid ?? null;
  }

  async #pump(): Promise<void> {
    if (this.#pumping || !this.#feed) return;
    this.#pumping = true;
    for (let move = this.#waiting.shift(); move && this.#controller; move = this.#waiting.shift()) {
      this.#send(await this.#describe(move), move.id);
    }
    this.#pumping = false;
  }

  async #describe(move: BranchMove): Promise<WatchEvent> {
    const { branch, from, to, reason, atMs } = move;
    const about = { branch, previous: from, ts: atMs, actor: reason.actor, message: reason.message };
    if (this.#feed?.start.branches.length === 1) this.#sha = to;
    if (to === null) return { event: "deleted", ...about };
    const { paths, truncated } = await this.#deps.listPaths(move);
    return { event: "commit", sha: to, ...about, paths: [...paths], paths_truncated: truncated };
  }

  #keepAlive(): void {
    if (!this.#hasRunOut() && this.#feed?.ping()) this.#write(": keep-alive\n\n");
    else this.#rotate();
  }

  #hasRunOut(): boolean {
    return this.#deps.endsAtMs !== null && this.#deps.endsAtMs <= this.#deps.now();
  }

  #rotate(): void {
    this.#finish({ event: "rotate", sha: this.#sha, ts: this.#deps.now() });
  }

  #send({ event, ...data }: WatchEvent, id: number | null): void {
    const idLine = id === null ? "" : `id: ${this.#deps.idPrefix}${id}\n`;
    this.#write(`event: ${event}\n${idLine}data: ${JSON.stringify(data)}\n\n`);
  }

  #write(text: string): void {
    if (!this.#controller) return;
    if ((this.#controller.desiredSize ?? 0) <= 0) this.end("too-slow");
    else this.#controller.enqueue(encodeUtf8(text));
  }

  /** The last event goes out whatever waits before it. */
  #finish({ event, ...data }: WatchEvent): void {
    const controller = this.#controller;
    if (!controller) return;
    controller.enqueue(encodeUtf8(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
    controller.close();
    this.#release();
  }

  #release(): void {
    this.#controller = null;
    this.#waiting.length = 0;
    for (const release of this.#releases.splice(0)) release();
  }
}
