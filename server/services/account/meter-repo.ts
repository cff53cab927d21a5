import { GitError } from "../../git/errors.ts";
import type { ObjectReader, RefTransaction } from "../../git/ports.ts";
import { walkLimited } from "../../git/walk/limited-walk.ts";
import type { RefMove, TokenLimits } from "../../ports/access.ts";
import type { QuotaExcess, ReservationOutcome, TokenUse } from "../../ports/account.ts";
import type { CommitRequest } from "../../ports/commit.ts";
import type { CommittingRepoStore, RepoHandle } from "../../ports/repo.ts";
import { layReaders, readHeld } from "../lay-readers.ts";
import { readFetchRefs } from "../upload-pack-wants.ts";

/** What one caller may still write; its reservations are decided where all of that caller's writers meet. */
export interface WriteAccount {
  readonly limits: TokenLimits;
  reserve(amount: TokenUse): Promise<ReservationOutcome>;
  release(amount: TokenUse): Promise<void>;
}

const NAMES: Readonly<Record<QuotaExcess["quota"], string>> = {
  repos: "repositories of the org",
  storage_bytes: "stored bytes of the org",
  repo_bytes: "stored bytes of the repository",
  commits: "commits of the token",
  bytes: "bytes written with the token",
};

/** For people; the numbers stand beside it for programs. */
export function describeExcess({ quota, limit, used }: QuotaExcess): string {
  return `quota exceeded: ${NAMES[quota]}, ${used} used of ${limit}`;
}

/**
 * The repository as somebody sees it who may only write so much: what a write needs is reserved before it is made, and
 * given back when it is not made. A write whose answer was lost keeps what it reserved.
 * Its methods throw GitError quota-exceeded, with the quota, its limit and what is used.
 */
export function meterRepo<T extends RepoHandle>(repo: T, account: WriteAccount): T {
  /** What a push was admitted with: its transaction comes next. */
  let admitted: TokenUse | null = null;
  const reserve = async (amount: TokenUse): Promise<TokenUse> => {
    const outcome = await account.reserve(amount);
    if (outcome.kind === "exceeded") throw refuse(outcome.excess);
    return amount;
  };
  const countFor = async (moves: readonly RefMove[], objects: ObjectReader, bytes: number) => ({
    commits: account.limits.commits === null ? 0 : await countNewCommits(repo, moves, objects),
    bytes,
  });
  const settle = <R>(amount: TokenUse, write: () => Promise<R>, isMade: (result: R) => boolean) =>
    settleWrite(account, amount, { write, isMade });
  const store: CommittingRepoStore = {
    ...repo.store,
    async transact(transaction) {
      const earlier = admitted;
      admitted = null;
      const objects = layReaders(readHeld(transaction.objects ?? []), repo.objects);
      const amount =
        earlier ?? (await reserve(await countFor(transaction.updates, objects, sizeOf(transaction))));
      return settle(
        amount,
        () => repo.store.transact(transaction),
        (results) => results.length === 0 || results.some(({ kind }) => kind === "moved"),
      );
    },
    async commit(request) {
      const amount = await reserve({ commits: 1, bytes: sizeOf({ ...request, objects: request.blobs }) });
      return settle(
        amount,
        () => repo.store.commit(request),
        (outcome) => outcome.kind === "committed" && !outcome.replayed,
      );
    },
  };
  return {
    ...repo,
    store,
    meter: {
      async findObjection(moves, objects, bytes) {
        const amount = await countFor(moves, objects, bytes);
        const outcome = await account.reserve(amount);
        if (outcome.kind === "exceeded") return describeExcess(outcome.excess);
        admitted = amount;
        return null;
      },
    },
  };
}

interface Write<R> {
  readonly write: () => Promise<R>;
  readonly isMade: (result: R) => boolean;
}

/** Gives back what was reserved for a write that was not made. */
async function settleWrite<R>(
  account: WriteAccount,
  amount: TokenUse,
  { write, isMade }: Write<R>,
): Promise<R> {
  let keep = true;
  try {
    const result = await write();
    keep = isMade(result);
    return result;
  } catch (error) {
    keep = error instanceof GitError && error.code === "interrupted";
    throw error;
  } finally {
    if (!keep) await account.release(amount);
  }
}

/**
 * Writes bytes that are no part of a repository's objects; null: the caller may write as many as it likes.
 * @throws GitError quota-exceeded
 */
export async function chargeBytes<R>(
  account: WriteAccount | null,
  bytes: number,
  write: Write<R>,
): Promise<R> {
  if (account === null) return write.write();
  const amount = { commits: 0, bytes };
  const outcome = await account.reserve(amount);
  if (outcome.kind === "exceeded") throw refuse(outcome.excess);
  return settleWrite(account, amount, write);
}

function refuse(excess: QuotaExcess): GitError {
  return new GitError("quota-exceeded", describeExcess(excess), { ...excess });
}

function sizeOf({
  objects = [],
  pack,
  carried,
}: Pick<RefTransaction & Partial<CommitRequest>, "objects" | "pack" | "carried">): number {
  const packed = (pack?.packBytes ?? 0) + (carried?.packBytes ?? 0);
  return objects.reduce((sum, { data }) => sum + data.length, packed);
}

/** Commits that moves bring which no ref has. */
async function countNewCommits(
  repo: RepoHandle,
  moves: readonly RefMove[],
  objects: ObjectReader,
): Promise<number> {
  const tips = moves.flatMap(({ next }) => (next === null ? [] : [next]));
  if (tips.length === 0) return 0;
  const { refs, headOid } = await readFetchRefs(repo);
  const known = [...new Set([...refs.map(({ oid }) => oid), ...(headOid ? [headOid] : [])])];
  const { found } = await objects.readHeaders([...new Set([...tips, ...known])]);
  const isCommit = (oid: (typeof tips)[number]) => found.get(oid)?.type === "commit";
  const from = tips.filter(isCommit);
  // In a pack of the server's own making, which is not looked into here: it has one new commit at least.
  const unseen = tips.filter((oid) => !found.has(oid)).length;
  if (from.length === 0) return unseen;
  const { commits } = await walkLimited(objects, from, known.filter(isCommit), () => undefined);
  return commits.length + unseen;
}
