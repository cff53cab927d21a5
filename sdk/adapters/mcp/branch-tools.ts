import * as z from "zod";
import type { CoregitClient } from "../../client.ts";
import type { RepoRef } from "../../contract/names.ts";
import { changes, type McpTool, READS, textTool } from "./tool.ts";

/** The repositories that branch tools may work on, and the client that reaches them. */
export interface McpRepositories {
  readonly client: CoregitClient;
  /** A tool call that names none means the first. */
  readonly repos: readonly RepoRef[];
}

type Answer = Promise<{ readonly data: unknown; readonly error: Error | null }>;

/** Verbs that not every version of the client has. */
interface OptionalVerbs {
  readonly merge?: (repo: RepoRef, target: string, body: MergeBody) => Answer;
}

interface MergeBody {
  readonly source: string;
  readonly strategy?: string;
  readonly message?: string;
  readonly dry_run?: boolean;
}

function nameOf(repo: RepoRef): string {
  if (typeof repo === "string") return repo;
  return repo.namespace ? `${repo.namespace}/${repo.slug}` : repo.slug;
}

/** What a call gave; a refusal is an error whose facts a model gets to read. */
async function take<T>(call: Promise<{ data: T | null; error: Error | null }>): Promise<T> {
  const { data, error } = await call;
  if (error === null && data !== null) return data;
  const facts = error !== null && "data" in error ? JSON.stringify(error.data) : "{}";
  throw new Error(`${error?.message ?? "no answer"}${facts === "{}" ? "" : `\n${facts}`}`, { cause: error });
}

/** Picks one of the allowed repositories. */
function pick(repos: readonly RepoRef[], wanted: string | undefined): RepoRef {
  const found = wanted === undefined ? repos[0] : repos.find((repo) => nameOf(repo) === wanted);
  if (found !== undefined) return found;
  throw new Error(`No such repository: ${wanted ?? "none"}. There are: ${repos.map(nameOf).join(", ")}`);
}

const BRANCH_PAGE = 500;
const repo = z.string().optional().describe("slug or namespace/slug; the first repository when absent");

/** list_branches. */
export function createBranchReadTools({ client, repos }: McpRepositories): McpTool[] {
  return [
    textTool(
      "list_branches",
      {
        title: "List branches",
        description: "Gives the branches of a repository with their commits; the default one has a star.",
        input: { repo },
        annotations: READS,
      },
      async (args) => {
        const page = await take(client.branches.list(pick(repos, args.repo), { limit: BRANCH_PAGE }));
        const lines = page.branches.map(
          ({ name, sha }) => `${name === page.default_branch ? "*" : " "} ${name} ${sha}`,
        );
        const left = page.total - page.branches.length;
        return [...lines, ...(left > 0 ? [`[${left} more branches are not shown]`] : [])].join("\n");
      },
    ),
  ];
}

/** create_branch, fork_repository and, where the client has the call, merge_branch. */
export function createBranchWriteTools({ client, repos }: McpRepositories): McpTool[] {
  // A client of another version may lack it: it is looked for, and called with its own object.
  const branches = client.branches as unknown as OptionalVerbs;
  const tools = [
    textTool(
      "create_branch",
      {
        title: "Create a branch",
        description:
          "Makes a branch at another branch, tag or commit; at the default branch when `from` is absent.",
        input: { name: z.string(), from: z.string().optional(), repo },
        annotations: changes({ idempotent: false, destructive: false }),
      },
      async ({ name, from, repo: wanted }) => {
        const body = from === undefined ? { name } : { name, from };
        const made = await take(client.branches.create(pick(repos, wanted), body));
        return `Created ${made.name} at ${made.sha}`;
      },
    ),
  ];
  if (branches.merge !== undefined) tools.push(createMergeTool(branches, repos));
  tools.push(createForkTool(client, repos));
  return tools;
}

function createMergeTool(branches: OptionalVerbs, repos: readonly RepoRef[]): McpTool {
  return textTool(
    "merge_branch",
    {
      title: "Merge a branch",
      description:
        "Merges `source` into `target` on the server. With dry_run it only says what would happen. Conflicts are answered as JSON and change nothing.",
      input: {
        target: z.string(),
        source: z.string(),
        strategy: z.enum(["fast-forward", "merge-commit", "squash"]).default("merge-commit"),
        message: z.string().optional(),
        dry_run: z.boolean().default(false),
        repo,
      },
      annotations: changes({ idempotent: false, destructive: false }),
    },
    async ({ target, repo: wanted, message, ...rest }) => {
      const body = message === undefined ? rest : { ...rest, message };
      return JSON.stringify(
        await take(required(branches.merge?.(pick(repos, wanted), target, body))),
        null,
        2,
      );
    },
  );
}

function createForkTool(client: CoregitClient, repos: readonly RepoRef[]): McpTool {
  return textTool(
    "fork_repository",
    {
      title: "Fork a repository",
      description: "Makes a copy of a repository that shares its objects, under another name.",
      input: { slug: z.string().describe("Name of the fork"), repo },
      annotations: changes({ idempotent: false, destructive: false }),
    },
    async ({ slug, repo: wanted }) => {
      const fork = await take(client.repos.fork(pick(repos, wanted), { slug }));
      return `Forked to ${fork.slug}: ${fork.git_url}`;
    },
  );
}

function required(call: Answer | undefined): Answer {
  return call ?? Promise.reject(new Error("this version of the client lacks the call"));
}
