export type {
  DiskEntry,
  LocalCommand,
  LocalOutcome,
  LocalShell,
  OpenLocalShell,
} from "./mount/bash/local-shell.ts";
export { openLocalShell } from "./node/local-shell.ts";
