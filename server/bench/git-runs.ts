/** What is done to both servers: pushes, clones and fetches with the real git. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { countObjects, runGit } from "./git-client.ts";
import type { GitServer } from "./git-servers.ts";
import { commitSmallChange } from "./sample-history.ts";

/** What one exchange brought, as the client sees it. */
export interface Outcome {
  readonly objects: number;
  /** Bytes of the pack that came; null where they are not counted. */
  readonly bytes: number | null;
}

/** Most that ours may be of git's; absent = not asked. */
export interface Aims {
  readonly wall?: number;
  readonly cpu?: number;
  readonly cpuSec?: number;
  readonly bytes?: number;
  readonly sameObjects?: boolean;
}

export interface Step {
  readonly name: string;
  readonly runs: number;
  readonly aims: Aims;
  /** Not measured. */
  prepare?(server: GitServer, run: number): Promise<void>;
  act(server: GitServer, run: number): Promise<Outcome>;
}

const SLICES = 8;

/** The steps of a run, in order; later ones use the repositories of earlier ones. */
export class Exchanges {
  readonly #folder: string;
  readonly #urls = new Map<string, string>();
  #clones = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Commits, objects and bytes of a repository in words. */
  async describe(repo: string): Promise<string> {
    const commits = await runGit(["rev-list", "--count", "--all"], { cwd: repo });
    const { packed, packBytes } = await countObjects(repo);
    return `${commits} commits, ${packed} objects, ${(packBytes / 1e6).toFixed(1)} MB packed`;
  }

  steps({ files, history }: { readonly files: string; readonly history: string }): readonly Step[] {
    const both = (limit: number): Aims => ({ wall: limit, cpu: limit });
    return [
      this.#push("(i) push", files, { wall: 1.4, cpuSec: 1.5 }),
      this.#push("(ii) push", history, both(2.5)),
      this.#clone("(ii) clone right after push", "(ii) push", {
        ...both(1.2),
        bytes: 1.05,
        sameObjects: true,
      }),
      {
        ...this.#clone("(ii) clone after compaction", "sliced", {
          ...both(1.2),
          bytes: 1.05,
          sameObjects: true,
        }),
        prepare: (server, run) => (run === 0 ? this.#pushSliced(server, history) : Promise.resolve()),
      },
      this.#clone("(ii) shallow clone", "sliced", { ...both(1.5), sameObjects: true }, ["--depth=1"]),
      this.#smallPush(history),
      this.#fetch(history),
      this.#clone("(ii) clone with fresh commits", "(ii) push-0", { ...both(1.2), sameObjects: true }),
    ];
  }

  #push(name: string, source: string, aims: Aims): Step {
    return {
      name,
      runs: 3,
      aims,
      prepare: async (server, run) => {
        await this.#create(server, `${name}-${run}`);
      },
      act: async (server, run) => {
        const url = this.#find(server, `${name}-${run}`);
        await runGit(["push", "-q", url, "refs/heads/*:refs/heads/*", "refs/tags/*:refs/tags/*"], {
          cwd: source,
        });
        return {
          objects: (await countObjects(source)).packed + (await countObjects(source)).loose,
          bytes: null,
        };
      },
    };
  }

  #clone(name: string, repo: string, aims: Aims, options: readonly string[] = []): Step {
    return {
      name,
      runs: 3,
      aims,
      act: async (server, run) => {
        const url = this.#urls.get(`${server.name} ${repo}`) ?? this.#find(server, `${repo}-${run}`);
        const folder = join(this.#folder, `clone-${this.#clones++}.git`);
        await runGit(["clone", "-q", "--bare", ...options, url, folder]);
        const { packed, packBytes } = await countObjects(folder);
        await rm(folder, { recursive: true });
        return { objects: packed, bytes: packBytes };
      },
    };
  }

  #smallPush(history: string): Step {
    return {
      name: "(ii) push of one commit",
      runs: 7,
      aims: { wall: 2, cpu: 2 },
      // Both servers get the same commits: the first to be asked makes them.
      prepare: async (server, run) => {
        if (server.name !== "coregit") return;
        await commitSmallChange(history, run);
      },
      act: async (server) => {
        const url = this.#find(server, "(ii) push-0");
        await runGit(["push", "-q", url, "main"], { cwd: history });
        return { objects: 0, bytes: null };
      },
    };
  }

  /** A client that lacks exactly the last commit fetches it. */
  #fetch(history: string): Step {
    const clientOf = (server: GitServer, run: number) =>
      join(this.#folder, `client-${server.name}-${run}.git`);
    return {
      name: "(ii) fetch of one commit",
      runs: 7,
      aims: { wall: 3, cpu: 3, sameObjects: true },
      prepare: async (server, run) => {
        const client = clientOf(server, run);
        await runGit(["init", "-q", "--bare", "-b", "main", client]);
        const parent = await runGit(["rev-parse", "main~1"], { cwd: history });
        await runGit(["fetch", "-q", history, `${parent}:refs/heads/main`], { cwd: client });
      },
      act: async (server, run) => {
        const client = clientOf(server, run);
        const before = await countObjects(client);
        const url = this.#find(server, "(ii) push-0");
        await runGit(["fetch", "-q", url, "main:refs/heads/main"], { cwd: client });
        const after = await countObjects(client);
        return { objects: after.loose + after.packed - before.loose - before.packed, bytes: null };
      },
    };
  }

  async #pushSliced(server: GitServer, history: string): Promise<void> {
    await this.#create(server, "sliced");
    const url = this.#find(server, "sliced");
    const commits = (
      await runGit(["rev-list", "--reverse", "--first-parent", "HEAD"], { cwd: history })
    ).split("\n");
    for (let slice = 1; slice <= SLICES; slice++) {
      const tip = commits[Math.ceil((commits.length * slice) / SLICES) - 1];
      await runGit(["push", "-q", url, `${tip}:refs/heads/main`], { cwd: history });
    }
    await server.rest();
  }

  async #create(server: GitServer, name: string): Promise<void> {
    const slug = name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-|-$/g, "");
    this.#urls.set(`${server.name} ${name}`, await server.create(slug));
  }

  #find(server: GitServer, name: string): string {
    const url = this.#urls.get(`${server.name} ${name}`);
    if (url === undefined) throw new Error(`${name} was not made on ${server.name}`);
    return url;
  }
}
