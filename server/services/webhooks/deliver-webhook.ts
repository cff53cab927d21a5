import { LIMITS } from "../../../sdk/contract/limits.ts";
import type { AttemptOutcome, DeliveryMessage, DeliverySource, OpenedDelivery } from "../../ports/events.ts";
import type { RepoRecord } from "../../ports/org.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import type { AddressRules } from "../public-address.ts";
import type { SecretSealer } from "../seal-secret.ts";
import { buildPayload } from "./build-payload.ts";
import { findUrlFault } from "./check-url.ts";
import { signDelivery } from "./sign-delivery.ts";
import { describeSecret } from "./webhook-secret.ts";

export interface SenderDeps {
  readonly openDeliveries: (orgId: string) => DeliverySource;
  readonly openRepo: (record: RepoRecord) => RepoHandle;
  /** null: the deployment has no key for secrets. */
  readonly sealer: SecretSealer | null;
  readonly rules: AddressRules;
  readonly fetch: typeof fetch;
  readonly now: () => number;
  /** Milliseconds of a clock that only goes forward. */
  readonly clockMs: () => number;
}

/**
 * One attempt of one delivery, from the queue's message to the row of its outcome. What goes wrong on the way to the
 * receiver is an outcome; what this throws is that the org's store could not be reached.
 */
export async function deliverWebhook(deps: SenderDeps, { orgId, delivery }: DeliveryMessage): Promise<void> {
  const source = deps.openDeliveries(orgId);
  const opened = await source.openDelivery(delivery);
  if (opened) await source.settleDelivery(delivery, await attempt(deps, opened));
}

/** What an attempt came to, but for the body that it sent. */
type Answer = Pick<AttemptOutcome, "status" | "error" | "response">;

async function attempt(deps: SenderDeps, opened: OpenedDelivery): Promise<AttemptOutcome> {
  const startMs = deps.clockMs();
  let body = opened.body;
  let answer: Answer;
  try {
    body ??= JSON.stringify(await buildPayload(opened, opened.repo && deps.openRepo(opened.repo)));
    const secret = await openSecret(deps, opened);
    answer =
      secret.kind === "failed"
        ? fail(secret.error)
        : await post(deps, opened, { body, secret: secret.plain });
  } catch (error) {
    // Everything is tried again: a repository that is overloaded as well as a receiver that is away.
    answer = fail(error instanceof Error ? error.message : String(error));
  }
  return { ...answer, body, durationMs: Math.round(deps.clockMs() - startMs) };
}

type Secret =
  | { readonly kind: "plain"; readonly plain: string | null }
  | { readonly kind: "failed"; readonly error: string };

async function openSecret({ sealer }: SenderDeps, opened: OpenedDelivery): Promise<Secret> {
  if (opened.sealedSecret === null) return { kind: "plain", plain: null };
  if (!sealer)
    return { kind: "failed", error: "not sent: the deployment has no SECRETS_KEY to open the secret with" };
  const secret = await sealer.open(opened.sealedSecret, describeSecret(opened.org.id, opened.webhookId));
  if (secret.kind === "opened") return { kind: "plain", plain: secret.plain };
  return { kind: "failed", error: `not sent: the secret cannot be opened (${secret.kind}); set a new one` };
}

async function post(
  { rules, fetch, now }: SenderDeps,
  opened: OpenedDelivery,
  { body, secret }: { readonly body: string; readonly secret: string | null },
): Promise<Answer> {
  // The rules may have changed since it was made.
  const fault = findUrlFault(opened.url, rules);
  if (fault !== null) return fail(`not sent: the URL ${fault}`);
  const head = { deliveryId: opened.id, webhookId: opened.webhookId, event: opened.event, nowMs: now() };
  const signal = AbortSignal.timeout(LIMITS.webhookTimeoutMs);
  let response: Response;
  try {
    response = await fetch(opened.url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "user-agent": "Coregit-Webhooks/1",
        ...signDelivery(head, body, secret),
      },
      body,
      // A redirect could lead to where the URL itself may not.
      redirect: "manual",
      signal,
    });
  } catch (error) {
    const waited = `no answer within ${LIMITS.webhookTimeoutMs / 1_000} s`;
    return fail(signal.aborted ? waited : error instanceof Error ? error.message : String(error));
  }
  const text = await readBeginning(response);
  const { status } = response;
  if (status >= 200 && status < 300) return { status, error: null, response: text };
  const redirected = status >= 300 && status < 400;
  return {
    status,
    error: redirected ? `answered ${status}: redirects are not followed` : `answered ${status}`,
    response: text,
  };
}

function fail(error: string): Answer {
  return { status: null, error: error.slice(0, 500), response: null };
}

/** The first bytes of an answer; the rest is never read. What breaks off has its beginning, too. */
async function readBeginning(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  if (!reader) return "";
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    while (bytes < LIMITS.webhookResponseBytes) {
      const { done, value } = await reader.read();
      if (done) break;
      chunks.push(value);
      bytes += value.length;
    }
    await reader.cancel();
  } catch (error) {
    // It took too long, or the connection was lost: the status has been read, and that is what counts.
    console.warn("the answer to a webhook broke off", error);
  }
  return new TextDecoder().decode(Buffer.concat(chunks).subarray(0, LIMITS.webhookResponseBytes));
}
