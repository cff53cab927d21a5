import type { SyncStore } from "../ports/sync.ts";
import type { RefTable } from "../stores/repo-tables.ts";
import type { Facts } from "./repo-facts.ts";

/**
 * Tells the repository's syncs that refs have moved: after the write, never in its way. What they were told of is written
 * down, so a move that a crash kept from them is told when the object wakes again.
 */
export interface MoveTeller {
  /** To be called after each write, and when the object wakes. */
  publish(): void;
  follow(follow: boolean): void;
  /** The repository is gone. */
  end(): Promise<void>;
}

export interface MoveTellerDeps {
  readonly facts: Facts;
  readonly refs: RefTable;
  readonly connect: (repoId: string) => Pick<SyncStore, "notePush" | "destroy">;
  /** Keeps the object alive until the call has come to an end. */
  readonly waitUntil: (work: Promise<void>) => void;
}

export function createMoveTeller({ facts, refs, connect, waitUntil }: MoveTellerDeps): MoveTeller {
  let telling = false;
  const findNews = (): number | null => {
    if (facts.find("sync") !== "on" || facts.find("state") !== "live") return null;
    const last = refs.lastMove();
    return String(last) === facts.find("sync_told") ? null : last;
  };
  const tell = async () => {
    telling = true;
    try {
      for (let last = findNews(); last !== null; last = findNews()) {
        await connect(facts.find("repo_id") ?? "").notePush();
        if (facts.find("state") === "live") facts.put("sync_told", String(last));
      }
    } catch (error) {
      // The next write, or the next time that the object wakes, tells it.
      console.error("could not tell the syncs of a move", error);
    } finally {
      telling = false;
    }
  };
  return {
    publish() {
      if (!telling && findNews() !== null) waitUntil(tell());
    },
    follow(follow) {
      if (facts.find("sync") === (follow ? "on" : "off")) return;
      facts.put("sync_told", String(refs.lastMove()));
      facts.put("sync", follow ? "on" : "off");
    },
    async end() {
      const repoId = facts.find("repo_id");
      // Links that follow nothing have no other way to learn of it than their next run.
      if (repoId !== null && facts.find("sync") !== null) await connect(repoId).destroy();
    },
  };
}
