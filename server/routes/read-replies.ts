import { HEADERS } from "../../sdk/contract/limits.ts";
import { notFound } from "../middleware/request-error.ts";
import type { Principal } from "../ports/org.ts";
import type { RepoHandle } from "../ports/repo.ts";
import type { NameResolution, ReadTarget, TargetResolution } from "../services/read-target.ts";
import { streamBody } from "./git-stream.ts";

/** A year, as long as a cache is meant to keep anything (RFC 9111). */
const PINNED_SECONDS = 31_536_000;

/** How long a read may be kept: what an id names never changes, what a name points to is asked for each time. */
export function cacheControl(repo: RepoHandle, pinned: boolean): string {
  const audience = repo.record.visibility === "public" ? "public" : "private";
  return pinned ? `${audience}, max-age=${PINNED_SECONDS}, immutable` : `${audience}, no-cache`;
}

/** Headers of every read through a ref. */
export function targetHeaders(repo: RepoHandle, target: ReadTarget): Record<string, string> {
  return {
    "cache-control": cacheControl(repo, target.pinned),
    ...(target.commit ? { [HEADERS.commitSha]: target.commit } : {}),
  };
}

/** @throws RequestError NOT_FOUND for a ref that does not exist, and for one without commits */
export function requireTarget(resolution: TargetResolution): Extract<TargetResolution, { kind: "resolved" }> {
  if (resolution.kind === "resolved") return resolution;
  throw resolution.kind === "unborn" ? emptyRef(resolution.ref) : unknownRef(resolution);
}

export function unknownRef({ ref }: Extract<NameResolution, { kind: "unknown" }>) {
  return notFound(`Ref ${ref.slice(0, 200)}`);
}

function emptyRef(ref: string) {
  return notFound(`A commit on ${ref.slice(0, 200)}`);
}

/** Who did it, for the reflog. */
export function actorOf(context: { readonly principal: Principal | null }): string {
  return context.principal?.actor ?? "anonymous";
}

export interface StreamInit {
  readonly status?: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes that will be sent, when they are known; null: they are not. */
  readonly length: number | null;
}

/** A reply whose body is made while it is sent. Nothing of it is made for HEAD. */
export function streamReply(
  request: Request,
  chunks: () => AsyncGenerator<Uint8Array>,
  { status = 200, headers, length }: StreamInit,
): Response {
  const lengthHeader = length === null ? {} : { "content-length": String(length) };
  const body = request.method === "HEAD" ? null : streamBody(chunks(), length);
  return new Response(body, { status, headers: { ...headers, ...lengthHeader } });
}
