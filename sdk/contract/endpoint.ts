import type * as z from "zod";
import type { ErrorCode } from "./errors.ts";

/**
 * Who may call: a reader or writer of the repository, the org's master key, the operator, or anybody. A guest comes with
 * the key of an org of its own to a repository that anybody may read and take as a template. A hook is called by another
 * server, which proves itself to the handler.
 */
export type Access = "read" | "write" | "master" | "operator" | "public" | "guest" | "hook";

/** How a reply's body is encoded when it is not one JSON document. */
export type ReplyFormat = "json" | "bytes" | "ndjson" | "events";

/**
 * One endpoint as data. Keys of the contract are `METHOD /path` below `/v1`, where
 * `:repo` stands for `:slug` or `:namespace/:slug`, and a last segment `*name` takes the rest of the path.
 * The server's handlers, the SDK's calls and the API table are all checked against or made from this.
 */
export interface EndpointSpec {
  readonly summary: string;
  readonly access: Access;
  readonly query?: z.ZodType;
  /** Query names that may come more than once; their values are joined with commas. */
  readonly repeatable?: readonly string[];
  readonly body?: z.ZodType;
  /** Its repositories are named in the body, and opened one by one, in the session that the request names. */
  readonly opensRepos?: true;
  /** Knows nothing of sessions: it shows or changes what everybody sees, whatever session the request names. */
  readonly outsideSessions?: true;
  readonly status: 200 | 201 | 202;
  readonly reply: z.ZodType;
  readonly format?: ReplyFormat;
  readonly errors: readonly ErrorCode[];
}

export function defineEndpoints<const T extends Readonly<Record<string, EndpointSpec>>>(endpoints: T): T {
  return endpoints;
}
