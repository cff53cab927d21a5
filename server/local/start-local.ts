import { mkdir, realpath } from "node:fs/promises";
import { resolve } from "node:path";
import {
  type Credentials,
  createAdminKey,
  findCredentials,
  LOCAL_ORG,
  requestApiKey,
  writeCredentials,
} from "./credentials.ts";
import { lockDataFolder } from "./data-lock.ts";
import { endWithParent, listOwnRuntimes } from "./processes.ts";
import { readSecretsKey } from "./secrets-key.ts";
import { findBuiltWorker, startRuntime, type WorkerRuntime } from "./worker-runtime.ts";

export { StartError, type StartErrorCode } from "./start-error.ts";

export interface LocalOptions {
  /** Folder for repositories and keys; made when absent. One server at a time may use it. */
  readonly dataDir: string;
  /** Default 0: any free port of 127.0.0.1. */
  readonly port?: number;
  /** Rate limits as in production; default "on". */
  readonly limits?: "on" | "off";
  /** Hosts that the server may call although they are not public: `git.corp`, `127.0.0.1:3000`. Default: none. */
  readonly outboundHosts?: readonly string[];
  /** Lines that the Worker writes to its console; dropped by default. */
  readonly onLog?: (line: string) => void;
  /** Further variables of the Worker, such as WEBHOOK_RETRY_SECONDS. */
  readonly vars?: Readonly<Record<string, string>>;
  /** Another Worker bundle than the one of this build. */
  readonly worker?: string;
}

export interface LocalServer {
  /** Origin, such as `http://127.0.0.1:8787`. */
  readonly url: string;
  readonly org: string;
  /** Master key of `org`. */
  readonly apiKey: string;
  /** Opens the operator's routes. */
  readonly adminKey: string;
  /** Process id of workerd, for measuring; null where the system does not tell. */
  readonly pid: number | null;
  /** `fetch` to this server whatever the host in the URL; paths alone (`/v1/repos`) work too. */
  readonly fetch: typeof fetch;
  /** Resolves when the runtime has ended, whether by `stop` or by itself. */
  readonly exited: Promise<void>;
  /** Ends the runtime and frees the folder. What was acknowledged is on disk. Harmless when called twice. */
  stop(): Promise<void>;
}

/** Nothing stands between a client and this server that would cut a body off; one put to the storage ends at 5 GB. */
const LFS_PROXY_BYTES = 5_000_000_000;

/** Starts are taken in turn, so that each knows which runtime it has just started. */
let lastStart: Promise<unknown> = Promise.resolve();

/**
 * Runs the whole server inside this process on local workerd: no account, no network, everything on disk.
 * The first start over a folder makes an org and its keys, later ones give the same keys.
 * @throws StartError with a `code` and a message for people
 * @example
 * const server = await startLocal({ dataDir: ".coregit" });
 * const cg = createCoregitClient({ apiKey: server.apiKey, baseUrl: server.url });
 * await server.stop();
 */
export function startLocal(options: LocalOptions): Promise<LocalServer> {
  const start = lastStart.then(() => startInTurn(options));
  lastStart = start.catch(() => null);
  return start;
}

async function startInTurn(options: LocalOptions): Promise<LocalServer> {
  await mkdir(options.dataDir, { recursive: true });
  const folder = await realpath(resolve(options.dataDir));
  const unlock = await lockDataFolder(folder);
  const onStop: (() => unknown)[] = [unlock];
  try {
    const known = await findCredentials(folder);
    const adminKey = known?.adminKey ?? createAdminKey();
    const { runtime, exited, pid } = await startGuarded(options, folder, adminKey, onStop);
    const send = createLocalFetch(runtime.url);
    const credentials = known ?? (await createCredentials(folder, send, adminKey));
    return { url: runtime.url, ...credentials, pid, fetch: send, exited, stop: createStop(onStop) };
  } catch (error) {
    await createStop(onStop)();
    throw error;
  }
}

/** Pushes what must be undone to `onStop` as soon as it is done. */
async function startGuarded(
  options: LocalOptions,
  folder: string,
  adminKey: string,
  onStop: (() => unknown)[],
): Promise<{ runtime: WorkerRuntime; exited: Promise<void>; pid: number | null }> {
  let release: () => void = () => undefined;
  onStop.push(() => release());
  let markExited: () => void = () => undefined;
  const exited = new Promise<void>((done) => {
    markExited = done;
  });
  const before = await listOwnRuntimes();
  const privateHosts = [options.vars?.OUTBOUND_HOSTS ?? "", ...(options.outboundHosts ?? [])].filter(
    (hosts) => hosts !== "",
  );
  const runtime = await startRuntime({
    folder,
    port: options.port ?? 0,
    worker: options.worker ?? findBuiltWorker(),
    vars: {
      ...options.vars,
      RATE_LIMITS: options.limits ?? "on",
      ADMIN_KEY: adminKey,
      QUEUE_STORAGE: "memory",
      SECRETS_KEY: await readSecretsKey(folder),
      LFS_PROXY_BYTES: String(LFS_PROXY_BYTES),
      OUTBOUND_HOSTS: privateHosts.join(","),
    },
    callsPrivate: privateHosts.length > 0,
    onLog: options.onLog ?? (() => undefined),
    onExit: () => markExited(),
  });
  onStop.push(markExited, () => runtime.stop());
  const pid = (await listOwnRuntimes()).find((candidate) => !before.includes(candidate)) ?? null;
  if (pid !== null) release = endWithParent(pid);
  return { runtime, exited, pid };
}

async function createCredentials(folder: string, send: typeof fetch, adminKey: string): Promise<Credentials> {
  const credentials = { org: LOCAL_ORG, apiKey: await requestApiKey(send, adminKey), adminKey };
  await writeCredentials(folder, credentials);
  return credentials;
}

/** Last done, first undone; once. */
function createStop(onStop: readonly (() => unknown)[]): () => Promise<void> {
  let stopped: Promise<void> | undefined;
  const undo = async () => {
    for (const step of [...onStop].reverse()) await step();
  };
  return () => {
    stopped ??= undo();
    return stopped;
  };
}

function createLocalFetch(origin: string): typeof fetch {
  const toLocal = (url: string) => {
    const { pathname, search } = new URL(url, origin);
    return `${origin}${pathname}${search}`;
  };
  return (input, init) =>
    input instanceof Request
      ? fetch(new Request(toLocal(input.url), input), init)
      : fetch(toLocal(String(input)), init);
}
