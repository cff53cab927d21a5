import { LIMITS } from "../../sdk/contract/limits.ts";
import { RequestError } from "../middleware/request-error.ts";
import type { SyncStore } from "../ports/sync.ts";
import { createHookCheck, findLinkRepo, type HookSecrets } from "../services/sync/hook-secret.ts";
import type { Handler } from "./router.ts";

export interface HookDeps {
  readonly openSync: (repoId: string) => SyncStore;
  readonly hookSecrets: HookSecrets | null;
}

/** Events after which the other side may have moved refs; anything else is taken and forgotten. */
const EVENT_HEADERS = ["x-github-event", "x-gitlab-event", "x-gitea-event", "x-gogs-event"];
const MOVES = /^(push|create|delete|push hook|tag push hook|system hook)$/i;

/**
 * Takes the call of another server. Who calls is proven by the link's secret alone; without it an unknown link, a wrong
 * secret and a deployment without hooks are one answer, and nothing is woken. The body is only read to check the
 * signature: what has changed is asked of the remote itself.
 */
export function createHookHandler({ openSync, hookSecrets }: HookDeps): Handler<"POST /hooks/:provider/:id"> {
  return async ({ params, request }) => {
    const repoId = findLinkRepo(params.id);
    const signature = request.headers.get("x-hub-signature-256") ?? readGitea(request.headers);
    const token = request.headers.get("x-gitlab-token");
    const check = createHookCheck(hookSecrets?.acceptedOf(params.id) ?? [], { signature, token });
    // Only a signature is over the body; who has none is refused before it is read.
    if (signature !== null) for await (const chunk of readCounted(request)) check.update(chunk);
    if (!check.isProven() || repoId === null) {
      throw new RequestError("UNAUTHORIZED", "The signature or token of this hook is not valid");
    }
    const event =
      EVENT_HEADERS.map((name) => request.headers.get(name)).find((value) => value !== null) ?? "push";
    return { accepted: MOVES.test(event) && (await openSync(repoId).noteHook(params.id)) };
  };
}

/** Gitea and its kin send the hex digits alone. */
function readGitea(headers: Headers): string | null {
  const digits = headers.get("x-gitea-signature") ?? headers.get("x-gogs-signature");
  return digits === null ? null : `sha256=${digits}`;
}

async function* readCounted(request: Request): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.length;
    if (bytes > LIMITS.hookBodyBytes) {
      throw new RequestError("PAYLOAD_TOO_LARGE", `A hook may hold at most ${LIMITS.hookBodyBytes} bytes`, {
        limit: LIMITS.hookBodyBytes,
      });
    }
    yield chunk;
  }
}
