import type { ExecOptions, ExecResult, ShellParts } from "./shell-options.ts";
import type { ShellRunner } from "./shell-runner.ts";

/** A shell over a mount. Commands run one after the other. */
export class MountShell {
  readonly #parts: ShellParts;
  #runner: Promise<ShellRunner> | null = null;

  constructor(parts: ShellParts) {
    this.#parts = parts;
  }

  /**
   * Runs a command line. Rejects only when the command could not run, when its commit fails (ECONFLICT; what was printed
   * is in `error.data.result`), or with the reason of an aborted signal.
   */
  async exec(command: string, options: ExecOptions = {}): Promise<ExecResult> {
    this.#parts.context.checkOpen({ syscall: "exec" });
    this.#runner ??= import("./shell-runner.ts").then(({ ShellRunner }) => new ShellRunner(this.#parts));
    return await (await this.#runner).exec(command, options);
  }
}
