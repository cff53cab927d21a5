import { createMemoryApp, type MemoryApp, type MemoryAppOptions } from "./memory-app.ts";

export interface ApiReply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; tests look into it as they please. */
  readonly json: Record<string, unknown>;
}

/** A caller with a master key of an org of its own, for tests of endpoints. */
export interface MemoryApi {
  readonly memory: MemoryApp;
  readonly org: string;
  readonly apiKey: string;
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<ApiReply>;
  /** The reply itself, for bytes and streams. */
  send(method: string, path: string, headers?: Record<string, string>): Promise<Response>;
  /** Makes a repository without commits, unless told otherwise. */
  makeRepo(slug: string, settings?: Record<string, unknown>): Promise<void>;
  /** Commits to main and gives the reply. */
  commit(slug: string, changes: readonly unknown[], more?: Record<string, unknown>): Promise<ApiReply>;
}

/** A server in memory and a key for it. */
export async function createMemoryApi(slug = "acme", options: MemoryAppOptions = {}): Promise<MemoryApi> {
  return joinMemoryApp(createMemoryApp(options), slug);
}

/** Another org on the same server. */
export async function joinMemoryApp(memory: MemoryApp, org: string): Promise<MemoryApi> {
  const { apiKey } = await memory.createOrg(org);
  const api: MemoryApi = {
    memory,
    org,
    apiKey,
    async call(method, path, body, headers = {}) {
      const response = await memory.request(path, {
        method,
        headers: {
          "x-api-key": apiKey,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, text, json: parse(text) };
    },
    send: async (method, path, headers = {}) =>
      memory.request(path, { method, headers: { "x-api-key": apiKey, ...headers } }),
    async makeRepo(name, settings = {}) {
      const made = await api.call("POST", "/v1/repos", { slug: name, init: false, ...settings });
      if (made.status !== 201) throw new Error(`repository ${name}: ${made.text}`);
    },
    commit: (name, changes, more = {}) =>
      api.call("POST", `/v1/repos/${name}/commits`, { branch: "main", message: "test", changes, ...more }),
  };
  return api;
}

function parse(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text);
  } catch {
    return {}; // not every body is JSON; tests of the others read the text
  }
}
