import type { BodyOf, EndpointKey, ParamName, QueryOf, ReplyOf } from "../../sdk/contract/index.ts";
import type { Timing } from "../middleware/timing.ts";
import type { OrgStore, Principal, RepoName } from "../ports/org.ts";
import type { RepoHandle } from "../ports/repo.ts";
import type { CallerAccount } from "./caller-repo.ts";

/** The org that a request was authorised for; its store sees nothing of other orgs. */
export interface OrgHandle {
  readonly id: string;
  readonly slug: string;
  readonly store: OrgStore;
}

/** Authorised, decoded and validated: what a handler works on. */
export interface RequestContext<K extends EndpointKey> {
  /** Percent-decoded. A trailing `*name` is joined with "/"; empty when the path ends before it. */
  readonly params: Readonly<Record<Exclude<ParamName<K>, "repo">, string>>;
  /**
   * Decoded segments after the last fixed noun of the path: `:ref/*path` of `tree/:ref/*path`, where a ref may take
   * more than one segment. An escaped slash stays inside its segment.
   */
  readonly rest: readonly string[];
  readonly query: QueryOf<K>;
  readonly body: BodyOf<K>;
  /** Opened and authorised, for every key with `:repo`. The only door to a repository. */
  readonly repo: K extends `${string}/:repo${string}` ? RepoHandle : null;
  /**
   * Opens further repositories of the org, each authorised (for reading unless `need` says more) and counted as a request
   * of its own, and in the session that the request is made in.
   * @throws RequestError as the authorisation of a request for that repository does
   */
  readonly openRepos: (names: readonly RepoName[], need?: "read" | "write") => Promise<readonly RepoHandle[]>;
  readonly org: K extends `${string} /admin/${string}` | `${string} /hooks/${string}` ? null : OrgHandle;
  /** null: the operator. */
  readonly account: CallerAccount | null;
  /** null: an anonymous reader of a public repository, or the operator. */
  readonly principal: Principal | null;
  readonly request: Request;
  /** Idempotency-Key, with its sender in front of it: the same key of another credential is another one. null when absent. */
  readonly idempotencyKey: string | null;
  readonly timing: Timing;
  readonly requestId: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Origin under which the client reached us, without a trailing slash. */
  readonly publicUrl: string;
}

/** Gives the contract's reply as a plain value (sent with the contract's status), or a whole Response. */
export type Handler<K extends EndpointKey> = (context: RequestContext<K>) => Promise<Response | ReplyOf<K>>;

/** Handlers of one noun: exactly the keys of its endpoint table. */
export type HandlersFor<E> = { readonly [K in keyof E & EndpointKey]: Handler<K> };

/** Handlers of the whole contract. */
export type HandlerMap = { readonly [K in EndpointKey]: Handler<K> };
