import type * as z from "zod";
import { adminEndpoints } from "./admin.ts";
import { auditEndpoints } from "./audit.ts";
import { branchEndpoints } from "./branches.ts";
import { commitEndpoints } from "./commits.ts";
import { connectionEndpoints } from "./connections.ts";
import { fileEndpoints } from "./files.ts";
import { forkEndpoints } from "./forks.ts";
import { historyEndpoints } from "./history.ts";
import { mergeEndpoints } from "./merges.ts";
import { objectEndpoints } from "./objects.ts";
import { prefetchEndpoints } from "./prefetch.ts";
import { publicEndpoints } from "./public.ts";
import { publicKeyEndpoints } from "./public-keys.ts";
import { refEndpoints } from "./refs.ts";
import { repoEndpoints } from "./repos.ts";
import { searchEndpoints } from "./search.ts";
import { sessionEndpoints } from "./sessions.ts";
import { snapshotEndpoints } from "./snapshots.ts";
import { syncEndpoints } from "./sync.ts";
import { tagEndpoints } from "./tags.ts";
import { tokenEndpoints } from "./tokens.ts";
import { usageEndpoints } from "./usage.ts";
import { watchEndpoints } from "./watch.ts";
import { webhookEndpoints } from "./webhooks.ts";
import { workspaceEndpoints } from "./workspace.ts";

/** Every endpoint below `/v1`, keyed by `METHOD /path`. */
export const contract = {
  ...repoEndpoints,
  ...commitEndpoints,
  ...fileEndpoints,
  ...prefetchEndpoints,
  ...refEndpoints,
  ...branchEndpoints,
  ...mergeEndpoints,
  ...tagEndpoints,
  ...snapshotEndpoints,
  ...historyEndpoints,
  ...objectEndpoints,
  ...forkEndpoints,
  ...watchEndpoints,
  ...sessionEndpoints,
  ...tokenEndpoints,
  ...publicKeyEndpoints,
  ...usageEndpoints,
  ...webhookEndpoints,
  ...auditEndpoints,
  ...connectionEndpoints,
  ...syncEndpoints,
  ...searchEndpoints,
  ...workspaceEndpoints,
  ...publicEndpoints,
  ...adminEndpoints,
};

export type Contract = typeof contract;
export type EndpointKey = keyof Contract;

type Schema<K extends EndpointKey, P extends "query" | "body" | "reply"> = Contract[K] extends {
  readonly [X in P]: infer S extends z.ZodType;
}
  ? S
  : never;

/** What a caller may send. `never` when the endpoint takes none. */
export type QueryInput<K extends EndpointKey> = z.input<Schema<K, "query">>;
export type BodyInput<K extends EndpointKey> = z.input<Schema<K, "body">>;
/** What a handler gets, defaults filled in. */
export type QueryOf<K extends EndpointKey> = z.output<Schema<K, "query">>;
export type BodyOf<K extends EndpointKey> = z.output<Schema<K, "body">>;
export type ReplyOf<K extends EndpointKey> = z.output<Schema<K, "reply">>;

/** Names of the path parameters, `repo` and a trailing `*rest` included. A fixed last segment may follow the rest. */
export type ParamName<K extends string> = K extends `${string}:${infer Name}/${infer Rest}`
  ? Name | ParamName<`/${Rest}`>
  : K extends `${string}:${infer Name}`
    ? Name
    : K extends `${string}*${infer Name}/${string}`
      ? Name
      : K extends `${string}*${infer Name}`
        ? Name
        : never;
