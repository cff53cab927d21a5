import type { Fetch } from "../../../sdk/http/transport.ts";
import { type CoregitClient, createCoregitClient } from "../../../sdk/index.ts";
import { createMemoryApp } from "../memory-app.ts";

/** A request as it was sent. */
export interface SentRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

/** The whole server in this process and a way to it. */
export interface MemoryServer {
  readonly fetch: Fetch;
  readonly sent: SentRequest[];
  /** A client whose requests are noted in `sent`; `wrap` may spoil them. */
  readonly connect: (wrap?: (fetch: Fetch) => Fetch) => CoregitClient;
}

/** Starts a server with one org. */
export async function createMemoryServer(): Promise<MemoryServer> {
  const memory = createMemoryApp();
  const { apiKey } = await memory.createOrg("acme");
  const sent: SentRequest[] = [];
  const fetch: Fetch = async (input, init) => {
    const request = new Request(input, init);
    const body = await request.clone().text();
    sent.push({ method: request.method, path: new URL(request.url).pathname, body });
    return await memory.app.request(request);
  };
  const connect = (wrap: (fetch: Fetch) => Fetch = (plain) => plain) =>
    createCoregitClient({
      apiKey,
      baseUrl: "http://memory.test",
      fetch: wrap(fetch),
      retry: { attempts: 2, baseMs: 1 },
    });
  return { fetch, sent, connect };
}

/** Makes a repository with files on main. */
export async function seedRepo(
  cg: CoregitClient,
  slug: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  const made = await cg.repos.create({ slug });
  if (made.error !== null) throw made.error;
  const changes = Object.entries(files).map(([path, content]) => ({ path, content }));
  if (changes.length === 0) return;
  const { error } = await cg.commits.createBulk(slug, { branch: "main", message: "files", changes });
  if (error !== null) throw error;
}
