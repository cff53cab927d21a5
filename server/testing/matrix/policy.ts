/**
 * Who may do what, once more and independently of the code that decides: docs/access.md as a function. The matrix tests
 * compare every endpoint with it, so what is wrong in one of the two is seen.
 */
import type { Access } from "../../../sdk/contract/endpoint.ts";

/** What a token's scopes say of one repository. */
export interface Rule {
  readonly writes: boolean;
  /** Absent: every ref. */
  readonly mayMove?: (ref: string) => boolean;
  /** Absent: every path. */
  readonly mayChange?: (path: string) => boolean;
}

/** Somebody who has proved to be the holder of a live key or token. */
export interface Holder {
  readonly org: string;
  /** Which key or token: a session is looked into by its opener alone. */
  readonly id: string;
  readonly isMaster: boolean;
  /** null: no scope names the repository. A master key has all rights for any name. */
  readonly ruleFor: (repo: string) => Rule | null;
  readonly hasGlobs: boolean;
}

/** What a request proves of who makes it. */
export interface Proof {
  readonly operator: boolean;
  /** By the key or token that it sends; null: none, or one that proves nothing. */
  readonly holder: Holder | null;
  /** By the session that it names; "ended": one that is closed, unknown, or not even an id. */
  readonly session: Holder | "ended" | null;
}

/** A repository's name in the org that the matrix asks about, and what is there. */
export interface Situation {
  readonly org: string;
  readonly repo: string;
  readonly exists: boolean;
  readonly isPublic: boolean;
  readonly isTemplate: boolean;
}

/** What a request asks for beside what its endpoint always asks for. */
export interface Wish {
  /** Full names of the refs that it moves. */
  readonly moves?: readonly string[];
  /** Paths that it changes against what the default branch has. */
  readonly changes?: readonly string[];
  /** A right on the situation's repository that the body asks for. */
  readonly opens?: "read" | "write";
  /** Name that a fork is made under. */
  readonly makes?: string;
  readonly opensSession?: boolean;
  /** Holder's id of who opened the session that the path names. */
  readonly ofSession?: string;
  /** Org of the thing that the path names by an id. */
  readonly ofOrg?: string;
}

/** What the descriptor and the address of a request say. */
export interface Asked {
  readonly access: Access;
  /** The path names the situation's repository. */
  readonly namesRepo: boolean;
  /** The request can be made inside a session. */
  readonly takesSession: boolean;
  readonly situation: Situation;
  readonly wish: Wish;
}

/** "allowed", or the status of the refusal. */
export type Verdict = "allowed" | 400 | 401 | 403 | 404;

/** What the policy says of a request. */
export function judge(proof: Proof, asked: Asked): Verdict {
  const { access, situation } = asked;
  if (access === "operator") return proof.operator ? "allowed" : 401;
  // By the secret of the thing that is called and by nothing else: no key and no token opens it.
  if (access === "hook") return 401;
  if (access === "public")
    return !asked.namesRepo || (situation.exists && situation.isPublic) ? "allowed" : 404;
  if (proof.session !== null && access !== "guest" && asked.takesSession) {
    // Settings are what everybody sees.
    if (access === "master") return 400;
    return proof.session === "ended" ? 401 : judgeHolder(proof.session, asked);
  }
  if (proof.holder === null) return 401;
  return access === "guest" ? judgeGuest(proof.holder, asked) : judgeHolder(proof.holder, asked);
}

function judgeHolder(holder: Holder, asked: Asked): Verdict {
  const { access, wish } = asked;
  const rule = asked.namesRepo ? findRule(holder, asked.situation) : { writes: holder.isMaster };
  if (rule === null) return 404;
  if (access === "master" && !holder.isMaster) return 403;
  if (access === "write" && !rule.writes) return 403;
  if (wish.opens !== undefined) {
    const opened = findRule(holder, asked.situation);
    if (opened === null) return 404;
    if (wish.opens === "write" && !opened.writes) return 403;
  }
  if (wish.ofOrg !== undefined && wish.ofOrg !== holder.org) return 404;
  if (wish.ofSession !== undefined && wish.ofSession !== holder.id) return 404;
  if (wish.opensSession && holder.hasGlobs) return 403;
  return judgeWish(holder, asked);
}

function judgeGuest(holder: Holder, asked: Asked): Verdict {
  const { situation } = asked;
  const isHome = holder.org === situation.org;
  const seen = isHome ? findRule(holder, situation) !== null : situation.exists && situation.isPublic;
  if (!seen) return 404;
  if (!isHome && !situation.isTemplate) return 403;
  return judgeWish(holder, asked);
}

function judgeWish(holder: Holder, { situation, wish }: Asked): Verdict {
  if (wish.makes !== undefined && !(holder.isMaster || holder.ruleFor(wish.makes)?.writes)) return 403;
  const { mayMove, mayChange } = holder.ruleFor(situation.repo) ?? {};
  if (mayMove && wish.moves?.some((ref) => !mayMove(ref))) return 403;
  if (mayChange && wish.changes?.some((path) => !mayChange(path))) return 403;
  return "allowed";
}

/** null: for the holder there is no such repository. What is public can be read without a scope. */
function findRule(holder: Holder, { org, repo, exists, isPublic }: Situation): Rule | null {
  if (!exists || holder.org !== org) return null;
  if (holder.isMaster) return { writes: true };
  return holder.ruleFor(repo) ?? (isPublic ? { writes: false } : null);
}
