import type { RefTransaction } from "../git/ports.ts";
import type { SessionStore } from "../ports/session.ts";
import type { RepoRpc } from "./repo-rpc.ts";

type Shared =
  | "snapshot"
  | "listRefs"
  | "countRefs"
  | "readHotPage"
  | "readHotHeaders"
  | "takeTurn"
  | "beginPack"
  | "listReflog"
  | "commit";

/** A RepoRpc method that is told which repository of the session it is about. */
type OfRepo<K extends keyof RepoRpc> = (
  repoId: string,
  ...args: Parameters<RepoRpc[K]>
) => ReturnType<RepoRpc[K]>;

/** The methods of SessionDO, as a stub has them. */
export type SessionRpc = SessionStore & { readonly [K in Shared]: OfRepo<K> } & {
  transact(repoId: string, transaction: RefTransaction): ReturnType<RepoRpc["transact"]>;
};
