import { LIMITS } from "../../../sdk/contract/limits.ts";
import type {
  LfsObject,
  LfsPresigner,
  LfsStore,
  PresignedRequest,
  StoredLfsObject,
} from "../../ports/lfs.ts";

/** One step that the client is to take: an address, what to send with it, and for how long it is good. */
export interface LfsAction {
  readonly href: string;
  readonly header?: Readonly<Record<string, string>>;
  /** Seconds; absent: as long as the credential. */
  readonly expires_in?: number;
}

export type LfsAnswer = LfsObject &
  (
    | {
        readonly authenticated: true;
        readonly actions?: Readonly<Partial<Record<"upload" | "download" | "verify", LfsAction>>>;
      }
    | { readonly error: { readonly code: number; readonly message: string } }
  );

export interface LfsBatchDeps {
  readonly store: LfsStore;
  /** null: bytes go through this server. */
  readonly presigner: LfsPresigner | null;
  /** Largest body that may come through this server. */
  readonly proxyBytes: number;
  /** `…/info/lfs` of the repository. */
  readonly baseUrl: string;
  /** What the caller authorised itself with, for the steps that come to this server. */
  readonly header: Readonly<Record<string, string>>;
}

export interface LfsBatchQuery {
  readonly operation: "upload" | "download";
  readonly objects: readonly LfsObject[];
}

const OID = /^[0-9a-f]{64}$/;

/** Says of each object how to get or send it. One that cannot be is refused alone. */
export async function planTransfers(deps: LfsBatchDeps, query: LfsBatchQuery): Promise<readonly LfsAnswer[]> {
  const valid = query.objects.filter((object) => findFault(object) === null);
  const stored = new Map(
    (await deps.store.find(valid.map(({ oid }) => oid))).map((object) => [object.oid, object]),
  );
  const plan =
    query.operation === "download"
      ? (object: LfsObject) => planDownload(deps, object, stored.get(object.oid))
      : await planUploads(deps, valid, stored);
  return await Promise.all(
    query.objects.map(async (object) => {
      const fault = findFault(object);
      return fault === null ? plan(object) : refuse(object, 422, fault);
    }),
  );
}

function findFault({ oid, size }: LfsObject): string | null {
  if (!OID.test(oid)) return "oid: 64 lower-case hex digits of a SHA-256";
  if (!Number.isSafeInteger(size) || size < 0) return "size: a number of bytes";
  return null;
}

async function planDownload(
  deps: LfsBatchDeps,
  object: LfsObject,
  stored: StoredLfsObject | undefined,
): Promise<LfsAnswer> {
  if (!stored) return refuse(object, 404, "The repository does not have this object");
  const { oid, size } = stored;
  const download = deps.presigner
    ? toAction(await deps.presigner.download(stored))
    : { href: `${deps.baseUrl}/objects/${oid}`, header: deps.header };
  return { oid, size, authenticated: true, actions: { download } };
}

async function planUploads(
  deps: LfsBatchDeps,
  objects: readonly LfsObject[],
  stored: ReadonlyMap<string, StoredLfsObject>,
): Promise<(object: LfsObject) => Promise<LfsAnswer>> {
  const limit = deps.presigner ? LIMITS.lfsObjectBytes : Math.min(deps.proxyBytes, LIMITS.lfsObjectBytes);
  const wanted = objects.filter(({ oid, size }) => !stored.has(oid) && size <= limit);
  const places = new Map(
    deps.presigner && wanted.length > 0
      ? (await deps.store.expect(wanted)).map((place) => [place.oid, place])
      : [],
  );
  return async (object) => {
    const { oid, size } = object;
    const present = stored.get(oid);
    if (present) {
      return present.size === size
        ? { oid, size, authenticated: true }
        : refuse(object, 422, `The object of this name has ${present.size} bytes`);
    }
    if (size > limit) return refuse(object, 422, `An object may have at most ${limit} bytes here`);
    const place = places.get(oid);
    const upload = place && deps.presigner ? toAction(await deps.presigner.upload(place)) : null;
    if (!upload) {
      const direct = { href: `${deps.baseUrl}/objects/${oid}`, header: deps.header };
      return { oid, size, authenticated: true, actions: { upload: direct } };
    }
    const verify = { href: `${deps.baseUrl}/objects/verify`, header: deps.header };
    return { oid, size, authenticated: true, actions: { upload, verify } };
  };
}

function toAction({ href, header, expiresIn }: PresignedRequest): LfsAction {
  return { href, header, expires_in: expiresIn };
}

function refuse({ oid, size }: LfsObject, code: number, message: string): LfsAnswer {
  return { oid, size, error: { code, message } };
}
