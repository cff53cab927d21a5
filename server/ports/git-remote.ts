import type { GitService } from "../git/protocol/ref-advertisement.ts";

/** Why a request to another git server came to nothing. */
export type RemoteFault =
  /** 401: the credential is missing or refused. */
  | "unauthorized"
  /** 403: the credential may not do this. */
  | "forbidden"
  /** 404, which hosts also answer for what the credential may not see. */
  | "not-found"
  /** The reply is none of a git server. */
  | "not-git"
  /** The address, or one that the server redirects to, must not be called. */
  | "refused-address"
  /** No connection, or it broke. */
  | "unreachable"
  /** Nothing came for too long. */
  | "timeout"
  /** 429 or 503: later. */
  | "busy"
  /** Any other status. */
  | "status";

export type RemoteReply =
  | { readonly kind: "reply"; readonly body: AsyncIterable<Uint8Array> }
  | {
      readonly kind: "failed";
      readonly fault: RemoteFault;
      /** For people; holds no credential. */
      readonly message: string;
      readonly retryAfterSec: number | null;
    };

/**
 * One repository of another git server over smart HTTP. A body that breaks off or stalls throws GitError interrupted
 * while it is read, and one that is too long limit-exceeded.
 */
export interface GitRemote {
  /** For people: without credentials. */
  readonly url: string;
  /** `GET …/info/refs`. Where the server redirects to is where later requests go. */
  discover(service: GitService): Promise<RemoteReply>;
  /** `POST …/git-upload-pack` or `…/git-receive-pack`. */
  post(
    service: GitService,
    body: Uint8Array | AsyncIterable<Uint8Array>,
    /** What the discovery was answered in. */
    version: 0 | 2,
  ): Promise<RemoteReply>;
}

/** Where a repository lies and who asks. */
export interface RemoteAddress {
  /** Of the repository, without a slash at the end and without credentials. */
  readonly url: string;
  /** `Authorization` header; null: none. */
  readonly authorization: string | null;
}

/** Opens a repository of another server; nothing is asked yet. */
export type OpenRemote = (address: RemoteAddress) => GitRemote;
