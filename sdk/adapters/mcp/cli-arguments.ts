import type { CommitMode } from "../../mount/commit/saver.ts";

export const USAGE = `Usage: coregit-mcp [options] repository...

A repository is slug or namespace/slug; up to ten are mounted, each at /slug.

  --read-only           only tools that change nothing
  --branch NAME         branch to read and to commit to; the default branch otherwise
  --allow DIRECTORY     directory that tools may touch; may be repeated; everything otherwise
  --commit-mode MODE    auto (default): every write is a commit; manual: the commit tool commits, and so does the end

Environment: COREGIT_API_KEY, COREGIT_BASE_URL`;

/** What the program was asked to do. */
export interface CliArguments {
  readonly repos: readonly { readonly slug: string; readonly namespace: string | null }[];
  readonly branch: string | undefined;
  readonly readOnly: boolean;
  readonly allowedDirectories: readonly string[];
  readonly commitMode: CommitMode;
}

function parseRepo(text: string): CliArguments["repos"][number] {
  const [slug = "", namespace = null, ...more] = text.split("/").reverse();
  if (slug === "" || namespace === "" || more.length > 0) {
    throw new Error(`not a repository: ${text} (slug or namespace/slug)`);
  }
  return { slug, namespace };
}

function parseMode(text: string): CommitMode {
  if (text === "auto" || text === "manual") return text;
  throw new Error(`not a commit mode: ${text} (auto or manual)`);
}

/**
 * Reads the arguments of the program; null when help is asked for.
 *
 * @throws Error naming what is wrong.
 */
export function parseArguments(args: readonly string[]): CliArguments | null {
  const repos: CliArguments["repos"][number][] = [];
  const allowed: string[] = [];
  let branch: string | undefined;
  let readOnly = false;
  let commitMode: CommitMode = "auto";
  const rest = [...args];
  const takeValue = (option: string): string => {
    const value = rest.shift();
    if (value === undefined) throw new Error(`${option} needs a value`);
    return value;
  };
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === "--help" || arg === "-h") return null;
    if (arg === "--read-only") readOnly = true;
    else if (arg === "--branch") branch = takeValue(arg);
    else if (arg === "--allow") allowed.push(takeValue(arg));
    else if (arg === "--commit-mode") commitMode = parseMode(takeValue(arg));
    else if (arg.startsWith("-")) throw new Error(`unknown option ${arg}; see --help`);
    else repos.push(parseRepo(arg));
  }
  if (repos.length === 0) throw new Error("name at least one repository; see --help");
  return { repos, branch, readOnly, allowedDirectories: allowed.length > 0 ? allowed : ["/"], commitMode };
}
