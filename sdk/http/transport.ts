import { createFetch } from "ofetch";

/** The platform's fetch, or anything shaped like it. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** One attempt on the wire. The body is text that was made once and is sent again unchanged on a retry. */
export interface Attempt {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly body?: string | undefined;
  readonly signal: AbortSignal;
}

export type Transport = (attempt: Attempt) => Promise<Response>;

/**
 * Sends attempts through ofetch with all its own policy switched off: retries, status errors and body parsing belong to
 * `request.ts`. Rejects only when no answer came; then with the cause that fetch gave.
 *
 * The default fetch is looked up at each call, because workers and tests replace the global.
 */
export function createTransport(fetch?: Fetch): Transport {
  const send: Fetch = fetch ?? ((input, init) => globalThis.fetch(input, init));
  const client = createFetch({ fetch: send });
  return async ({ method, url, headers, body, signal }) => {
    try {
      return await client.raw(url, {
        method,
        headers,
        signal,
        retry: false,
        ignoreResponseError: true,
        responseType: "stream",
        ...(body === undefined ? {} : { body }),
      });
    } catch (error) {
      throw error instanceof Error && error.cause !== undefined ? error.cause : error;
    }
  };
}
