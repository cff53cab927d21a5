import { GitError } from "../git/errors.ts";

/** Calls of one Durable Object, whose connection can be lost and which can be too busy to take a call. */
export interface DurableCalls<S> {
  /** For what may run twice: reads, and writes that come to the same end. @throws GitError overloaded, interrupted */
  repeat<T>(call: (stub: S) => Promise<T>): Promise<T>;
  /** For everything else. @throws GitError overloaded: it did not run; interrupted: it may have run */
  once<T>(call: (stub: S) => Promise<T>): Promise<T>;
}

const ATTEMPTS = 3;
const FIRST_DELAY_MS = 20;

/**
 * `connect` gives a stub; a stub is broken after an error, so each attempt takes a new one. What the object itself
 * threw passes through.
 * Source: developers.cloudflare.com/durable-objects/best-practices/error-handling
 */
export function createDurableCalls<S>(connect: () => S): DurableCalls<S> {
  let stub: S | null = null;
  async function attempt<T>(call: (stub: S) => Promise<T>): Promise<T> {
    stub ??= connect();
    try {
      return await call(stub);
    } catch (error) {
      stub = null;
      throw describeLoss(error);
    }
  }
  return {
    once: attempt,
    async repeat(call) {
      for (let made = 1; ; made++) {
        try {
          return await attempt(call);
        } catch (error) {
          // More calls are the last thing that a busy object needs.
          if (!isInterrupted(error) || made >= ATTEMPTS) throw error;
        }
        await new Promise((resume) => setTimeout(resume, FIRST_DELAY_MS * 2 ** made * (0.5 + Math.random())));
      }
    },
  };
}

function isInterrupted(error: unknown): boolean {
  return error instanceof GitError && error.code === "interrupted";
}

function describeLoss(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof GitError) return error;
  // Set by the runtime on the errors of its own.
  if (Reflect.get(error, "overloaded") === true) {
    const message = "too many requests for one repository or org at a time; try again";
    return new GitError("overloaded", message, {}, { cause: error });
  }
  if (Reflect.get(error, "retryable") === true) {
    const message = "the connection to the store was lost; the request may have been carried out";
    return new GitError("interrupted", message, {}, { cause: error });
  }
  return error;
}
