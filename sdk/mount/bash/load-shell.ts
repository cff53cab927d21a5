import { errnoError } from "../kernel/errno.ts";
import type { JustBashModule } from "./just-bash-module.ts";
import type { LocalShell, OpenLocalShell } from "./local-shell.ts";
import type { BashOptions } from "./shell-options.ts";

/** Names that bundlers must leave alone: the first is an optional peer, the second runs in Node only. */
const JUST_BASH = "just-bash";
const OWN_NODE_ENTRY = "@coregit/sdk/node";

export type LoadedJustBash =
  | { readonly kind: "loaded"; readonly module: JustBashModule }
  | { readonly kind: "missing"; readonly cause: unknown };

/** The module that was given, else the one that is installed. Rejects with what a given loader rejects with. */
export async function loadJustBash({ justBash }: BashOptions): Promise<LoadedJustBash> {
  if (typeof justBash === "function") return { kind: "loaded", module: await justBash() };
  if (justBash !== undefined) return { kind: "loaded", module: justBash };
  try {
    const module: unknown = await import(/* @vite-ignore */ /* webpackIgnore: true */ JUST_BASH);
    // The name stands for one module, whose shape the adapter's tests check.
    return { kind: "loaded", module: module as JustBashModule };
  } catch (cause) {
    return { kind: "missing", cause };
  }
}

/**
 * The system's shell: as given, else from this package's own Node entry, beside the sources or by its name.
 *
 * @throws MountError ENOSYS where there is no such shell
 */
export async function loadLocalShell({ localShell }: BashOptions): Promise<LocalShell> {
  try {
    return await (localShell ?? (await importLocalShell()))();
  } catch (cause) {
    throw errnoError(
      "ENOSYS",
      { syscall: "exec" },
      {
        detail: `strategy "local" needs Node; in a bundle give openLocalShell of ${OWN_NODE_ENTRY} as bash({ localShell })`,
        cause,
      },
    );
  }
}

async function importLocalShell(): Promise<OpenLocalShell> {
  const { url } = import.meta;
  const entry = url.endsWith(".ts") ? new URL("../../node.ts", url).href : OWN_NODE_ENTRY;
  // Either is the module whose one export this is.
  const module = (await import(/* @vite-ignore */ /* webpackIgnore: true */ entry)) as {
    readonly openLocalShell: OpenLocalShell;
  };
  return module.openLocalShell;
}
