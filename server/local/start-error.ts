/** Why a local server could not start. The message is written for whoever typed the command. */
export type StartErrorCode = "data-in-use" | "port-in-use" | "worker-missing" | "bad-data" | "runtime-failed";

export class StartError extends Error {
  readonly code: StartErrorCode;

  constructor(code: StartErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StartError";
    this.code = code;
  }
}
