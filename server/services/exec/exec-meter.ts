import { LIMITS } from "../../../sdk/contract/limits.ts";

/** The limit that a command ran into. */
export interface ExceededLimit {
  readonly what: string;
  readonly limit: number;
}

/**
 * Counts what one command costs. The first limit that is passed ends the command: the signal aborts the shell, and the
 * call that passed it fails, so that no command can catch the failure and go on.
 */
export class ExecMeter {
  readonly #abort = new AbortController();
  #exceeded: ExceededLimit | null = null;
  #fault: unknown = null;
  #filesRead = 0;
  #bytesRead = 0;
  #bytesHeld = 0;
  #filesHeld = 0;

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get exceeded(): ExceededLimit | null {
    return this.#exceeded;
  }

  /** Contents fetched from a repository. */
  chargeRead(files: number, bytes: number): void {
    this.#filesRead += files;
    this.#bytesRead += bytes;
    this.#check("files read", this.#filesRead, LIMITS.execReadFiles);
    this.#check("bytes read", this.#bytesRead, LIMITS.execReadBytes);
  }

  /** The new content of a file, which the shell holds from now on. */
  chargeWrite(bytes: number): void {
    this.#check("bytes written", this.#bytesHeld + bytes, LIMITS.execWriteBytes);
    this.#check("files written", this.#filesHeld + 1, LIMITS.execChanges);
    this.#bytesHeld += bytes;
    this.#filesHeld++;
  }

  /** A written file that is gone again, or has been given other content. */
  releaseWrite(bytes: number): void {
    this.#bytesHeld -= bytes;
    this.#filesHeld--;
  }

  /** A file too large to be committed. */
  checkFile(bytes: number): void {
    this.#check("bytes in one file", bytes, LIMITS.fileBytes);
  }

  /** Reads on behalf of the command. A store that fails is nobody's missing file: it ends the command as a whole. */
  async watch<T>(read: Promise<T>): Promise<T> {
    try {
      return await read;
    } catch (error) {
      if (this.#exceeded === null) {
        this.#fault ??= error;
        this.#abort.abort(error);
      }
      throw error;
    }
  }

  /** @throws what a watched read failed with */
  checkFault(): void {
    if (this.#fault !== null) throw this.#fault;
  }

  checkUsable(): void {
    if (this.#exceeded) throw limitError(this.#exceeded);
  }

  #check(what: string, value: number, limit: number): void {
    if (value <= limit) return;
    this.#exceeded ??= { what, limit };
    const error = limitError(this.#exceeded);
    this.#abort.abort(error);
    throw error;
  }
}

function limitError({ what, limit }: ExceededLimit): Error {
  return Object.assign(new Error(`EDQUOT: limit exceeded: ${what} (${limit})`), { code: "EDQUOT" });
}
