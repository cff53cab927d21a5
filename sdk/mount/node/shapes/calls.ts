import type { CallContext } from "../../calls/call-context.ts";
import type { CopyCalls } from "../../calls/copy-calls.ts";
import type { ReadCalls } from "../../calls/read-calls.ts";
import type { AfterWrite, WriteCalls } from "../../calls/write-calls.ts";

/** A mount's calls by kind, and what they stand on. */
export interface Calls {
  readonly context: CallContext;
  readonly reads: ReadCalls;
  readonly writes: WriteCalls;
  /** Their code is loaded when something is copied. */
  readonly copies: () => Promise<CopyCalls>;
  readonly afterWrite: AfterWrite;
}
