import type { RepoName } from "../ports/org.ts";
import { parseRepoPath } from "./git-path.ts";

export type LfsEndpoint =
  | { readonly name: "batch" | "verify" | "locks" | "lock" | "verify-locks" }
  | { readonly name: "unlock"; readonly id: string }
  | { readonly name: "download" | "upload"; readonly oid: string };

/** What a request below `…/info/lfs` is about, read from its method and address alone. */
export interface LfsRoute {
  readonly org: string;
  readonly repo: RepoName;
  /** Path of `…/info/lfs`. */
  readonly base: string;
  /** null: there is no such endpoint. */
  readonly endpoint: LfsEndpoint | null;
}

const MARK = ".git/info/lfs/";
const OBJECT = /^objects\/([0-9a-f]{64})$/;
const UNLOCK = /^locks\/([0-9a-f-]{1,100})\/unlock$/;

const FIXED: Readonly<Record<string, LfsEndpoint>> = {
  "POST objects/batch": { name: "batch" },
  "POST objects/verify": { name: "verify" },
  "GET locks": { name: "locks" },
  "POST locks": { name: "lock" },
  "POST locks/verify": { name: "verify-locks" },
};

/** null: not an address of LFS. */
export function parseLfsPath(request: Request): LfsRoute | null {
  const { pathname } = new URL(request.url);
  const at = pathname.indexOf(MARK);
  if (at < 0) return null;
  const repo = parseRepoPath(pathname.slice(1, at + ".git".length).split("/"));
  if (!repo) return null;
  const base = pathname.slice(0, at + MARK.length - 1);
  return { ...repo, base, endpoint: parseEndpoint(request.method, pathname.slice(base.length + 1)) };
}

function parseEndpoint(requested: string, rest: string): LfsEndpoint | null {
  const method = requested === "HEAD" ? "GET" : requested;
  const key = `${method} ${rest}`;
  if (Object.hasOwn(FIXED, key)) return FIXED[key] ?? null;
  const oid = OBJECT.exec(rest)?.[1];
  if (oid !== undefined && method === "GET") return { name: "download", oid };
  if (oid !== undefined && method === "PUT") return { name: "upload", oid };
  const id = UNLOCK.exec(rest)?.[1];
  return id !== undefined && method === "POST" ? { name: "unlock", id } : null;
}
