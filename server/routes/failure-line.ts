import type { ErrorBody } from "../../sdk/contract/errors.ts";
import { errorReply, type Log } from "../middleware/error-reply.ts";

/** How a stream whose status was sent tells in its last line that it failed. */
export type Failure = Pick<ErrorBody, "error" | "code">;

/** What an error reply would say. */
export async function describeFailure(error: unknown, requestId: string, log: Log): Promise<Failure> {
  // errorReply makes nothing but such bodies.
  const body = (await errorReply(error, requestId, log).json()) as ErrorBody;
  return { error: body.error, code: body.code };
}
