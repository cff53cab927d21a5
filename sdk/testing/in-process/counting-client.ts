import { createMemoryApi, type MemoryApi } from "../../../server/testing/memory-api.ts";
import { type CoregitClient, type CoregitClientOptions, createCoregitClient } from "../../index.ts";

/** The real server in this process, and clients of it whose requests are counted. */
export interface CountingServer {
  readonly api: MemoryApi;
  /** A client with a cache of its own. */
  createClient(options?: Pick<CoregitClientOptions, "onRequest">): CoregitClient;
  /** Requests that an action sends, as `METHOD path`. */
  count<T>(action: () => Promise<T>): Promise<{ readonly value: T; readonly requests: readonly string[] }>;
  /** Makes a repository with one commit of these files. */
  seed(slug: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void>;
}

/** Changes of one commit request. */
const CHANGES_MAX = 1_000;

export async function createCountingServer(): Promise<CountingServer> {
  const api = await createMemoryApi();
  let requests: string[] = [];
  return {
    api,
    createClient: (options = {}) =>
      createCoregitClient({
        ...options,
        baseUrl: "http://coregit.test",
        apiKey: api.apiKey,
        retry: false,
        fetch: (input, init) => {
          requests.push(`${init?.method ?? "GET"} ${new URL(String(input)).pathname.replace("/v1", "")}`);
          return api.memory.request(String(input), init);
        },
      }),
    async count(action) {
      requests = [];
      const value = await action();
      return { value, requests };
    },
    async seed(slug, files) {
      await api.makeRepo(slug);
      const changes = Object.entries(files).map(([path, content]) => ({
        path,
        content: Buffer.from(content).toString("base64"),
        encoding: "base64",
      }));
      for (let start = 0; start < changes.length; start += CHANGES_MAX) {
        const made = await api.commit(slug, changes.slice(start, start + CHANGES_MAX));
        if (made.status !== 201) throw new Error(made.text);
      }
    },
  };
}

/** Text files in ten directories. */
export function numberedFiles(count: number): Record<string, string> {
  const files = Array.from({ length: count }, (_, index) => [
    `src/${index % 10}/file-${index}.ts`,
    `export const n = ${index};\n// file number ${index}\n`,
  ]);
  return Object.fromEntries(files);
}
