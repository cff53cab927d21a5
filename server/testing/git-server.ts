/** One repository in memory behind smart HTTP on a real socket: what tests point stock git at. */
import { isObjectType } from "../git/hash/object-type.ts";
import { type Oid, parseOid } from "../git/hash/oid.ts";
import type { GitObject } from "../git/ports.ts";
import { NO_LIMITS } from "../ports/access.ts";
import type { RepoHandle } from "../ports/repo.ts";
import { handleGitRequest, refuseGit } from "../routes/git-http.ts";
import { parseGitPath } from "../routes/git-path.ts";
import type { MemoryFiles } from "../stores/memory-files.ts";
import { serveFetch } from "./git-http-server.ts";
import { createMemoryRepo } from "./memory-repo.ts";
import { git } from "./real-git.ts";

export interface GitServer {
  /** Clone from here. */
  readonly url: string;
  readonly files: MemoryFiles;
  /** A fresh handle, as each request gets one. */
  open(): RepoHandle;
  /** `service step version encoding` of the requests so far. */
  readonly requests: string[];
  /** Failures that the server kept from the client. */
  readonly failures: unknown[];
  /** Copies every object and ref of a real repository into this one. */
  importRepo(dir: string): Promise<void>;
  close(): Promise<void>;
}

export async function startGitServer(options: { readonly defaultBranch?: string } = {}): Promise<GitServer> {
  const { files, store, open } = createMemoryRepo(options.defaultBranch);
  const requests: string[] = [];
  const failures: unknown[] = [];
  const server = await serveFetch(async (request) => {
    const route = parseGitPath(request);
    if (!route) return new Response("not found", { status: 404 });
    if ("status" in route) return refuseGit(route);
    const { headers } = request;
    const traits = [headers.get("git-protocol") ?? "v0", headers.get("content-encoding") ?? "plain"];
    requests.push([route.service, route.step, ...traits].join(" "));
    const principal = {
      kind: "key",
      keyId: "key",
      actor: "tester",
      scopes: null,
      expiresAtMs: null,
      limits: NO_LIMITS,
      grant: null,
    } as const;
    const onFailure = (error: unknown) => failures.push(error);
    return handleGitRequest(request, { route, repo: open(), principal, now: Date.now, onFailure });
  });
  return {
    url: `${server.url}/acme/demo.git`,
    files,
    open,
    requests,
    failures,
    async importRepo(dir) {
      const objects = await readRealObjects(dir);
      const updates = await readRealRefs(dir);
      const reason = { actor: "tester", message: "import" };
      const results = await store.transact({ updates, objects, atomic: true, reason });
      const failed = results.find(({ kind }) => kind === "rejected");
      if (failed) throw new Error(`import failed: ${JSON.stringify(failed)}`);
    },
    close: server.close,
  };
}

async function readRealObjects(dir: string): Promise<GitObject[]> {
  const { stdout } = await git(["cat-file", "--batch-all-objects", "--batch", "--unordered"], { cwd: dir });
  const objects: GitObject[] = [];
  for (let at = 0; at < stdout.length; ) {
    const end = stdout.indexOf(0x0a, at);
    const [oid = "", type = "", size = ""] = stdout.toString("latin1", at, end).split(" ");
    if (!isObjectType(type)) throw new Error(`git named no object type: ${type}`);
    const start = end + 1;
    at = start + Number(size) + 1;
    objects.push({ oid: parseOid(oid), type, data: stdout.subarray(start, at - 1) });
  }
  return objects;
}

async function readRealRefs(dir: string): Promise<{ name: string; next: Oid; peeled?: Oid }[]> {
  const { text } = await git(["for-each-ref", "--format=%(refname) %(objectname) %(*objectname)"], {
    cwd: dir,
  });
  return text.split("\n").flatMap((line) => {
    const [name = "", oid = "", peeled = ""] = line.split(" ");
    if (name === "") return [];
    return [{ name, next: parseOid(oid), ...(peeled ? { peeled: parseOid(peeled) } : {}) }];
  });
}
