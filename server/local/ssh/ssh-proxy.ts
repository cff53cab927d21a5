/** An SSH server that speaks git, in front of a Coregit server that speaks smart HTTP. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import ssh2, { type AuthContext, type Connection, type ServerChannel, type Session } from "ssh2";
import type { AuthorizedKey, AuthorizedKeys } from "./authorized-keys.ts";
import { type GitUpstream, UpstreamError } from "./git-upstream.ts";
import { authenticateLfs } from "./lfs-authenticate.ts";
import { relayReceivePack } from "./relay-receive-pack.ts";
import { relayUploadPack } from "./relay-upload-pack.ts";
import { parseSshCommand } from "./ssh-command.ts";

export interface SshProxyOptions {
  /** Origin of the server. */
  readonly upstream: string;
  /** Private key of this host, in OpenSSH's or PEM's form. */
  readonly hostKey: string;
  readonly keys: AuthorizedKeys;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** 0 = any free port. */
  readonly port: number;
  /** Hears what the operator should know. */
  readonly onLog: (line: string) => void;
}

export interface SshProxy {
  readonly port: number;
  close(): Promise<void>;
}

const CONNECTIONS_MAX = 500;
const AUTH_MS = 30_000;
const AUTH_TRIES = 10;
/** Commands that one connection runs at a time. */
const CHANNELS_MAX = 10;

/** Listens. Only public keys are accepted, whatever the user's name; nothing but git's commands is run. */
export async function startSshProxy(options: SshProxyOptions): Promise<SshProxy> {
  const connections = new Set<Connection>();
  const server = new ssh2.Server(
    { hostKeys: [options.hostKey], keepaliveInterval: 15_000, keepaliveCountMax: 4 },
    (client) => {
      if (connections.size >= CONNECTIONS_MAX) {
        options.onLog(`refused a connection: ${CONNECTIONS_MAX} are open`);
        client.end();
        return;
      }
      connections.add(client);
      client.on("close", () => connections.delete(client));
      serveClient(options, client);
    },
  );
  server.listen(options.port, options.host ?? "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    port,
    async close() {
      for (const client of connections) client.end();
      await new Promise<void>((done) => server.close(() => done()));
    },
  };
}

function serveClient(options: SshProxyOptions, client: Connection): void {
  let caller: AuthorizedKey | null = null;
  let tries = 0;
  const late = setTimeout(() => client.end(), AUTH_MS);
  client.on("authentication", async (context) => {
    try {
      if (++tries > AUTH_TRIES) {
        client.end();
        return;
      }
      caller = await findCaller(options.keys, context);
      if (caller) context.accept();
      else context.reject(["publickey"]);
    } catch (error) {
      options.onLog(`cannot tell whose key it is: ${messageOf(error)}`);
      context.reject(["publickey"]);
    }
  });
  client.on("ready", () => clearTimeout(late));
  client.on("close", () => clearTimeout(late));
  // Connections that are cut off are nobody's news.
  client.on("error", () => client.end());
  let channels = 0;
  client.on("session", (accept, reject) => {
    if (caller === null || channels >= CHANNELS_MAX) {
      reject();
      return;
    }
    channels++;
    const session = accept();
    session.on("close", () => channels--);
    serveSession(options, session, caller);
  });
}

/** A key is offered first and proven later: without a signature this only says that it would do. */
async function findCaller(keys: AuthorizedKeys, context: AuthContext): Promise<AuthorizedKey | null> {
  if (context.method !== "publickey") return null;
  const found = await keys.find(context.key.data);
  if (!found || found.publicKey.type !== context.key.algo) return null;
  if (context.signature === undefined) return found;
  if (context.blob === undefined) return null;
  return found.publicKey.verify(context.blob, context.signature, context.hashAlgo) === true ? found : null;
}

function serveSession(options: SshProxyOptions, session: Session, caller: AuthorizedKey): void {
  let protocol: string | null = null;
  session.on("env", (accept, reject, { key, val }) => {
    if (key !== "GIT_PROTOCOL" || !/^[\w=:.-]{1,200}$/.test(val)) {
      reject?.();
      return;
    }
    protocol = val;
    accept?.();
  });
  session.on("exec", (accept, _reject, { command }) => {
    const channel = accept();
    runCommand(options, { channel, command, protocol, caller }).catch((error: unknown) =>
      options.onLog(`a channel broke: ${messageOf(error)}`),
    );
  });
  session.on("shell", (accept) => {
    const channel = accept();
    channel.stderr.write("You are known here, but there is no shell: git clone, fetch and push only.\n");
    channel.exit(1);
    channel.end();
  });
}

interface Run {
  readonly channel: ServerChannel;
  readonly command: string;
  readonly protocol: string | null;
  readonly caller: AuthorizedKey;
}

async function runCommand(
  options: SshProxyOptions,
  { channel, command, protocol, caller }: Run,
): Promise<void> {
  let code = 0;
  channel.on("error", () => undefined);
  try {
    const parsed = parseSshCommand(command);
    if (!parsed)
      throw new UpstreamError(
        "only git-upload-pack, git-receive-pack and git-lfs-authenticate of a repository",
      );
    const { apiKey } = caller;
    const upstream: GitUpstream = {
      url: `${options.upstream}/${parsed.path}`,
      authorization: `Basic ${Buffer.from(`git:${apiKey}`).toString("base64")}`,
      protocol,
    };
    if (parsed.kind === "git-lfs-authenticate") {
      await write(
        channel,
        Buffer.from(await authenticateLfs(upstream, { apiKey, operation: parsed.operation })),
      );
    } else {
      const relay = parsed.kind === "git-upload-pack" ? relayUploadPack : relayReceivePack;
      // Read to its end, a channel is not closed yet: the answer and the exit code are still to come.
      const input = channel.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>;
      for await (const chunk of relay(upstream, input)) await write(channel, chunk);
    }
  } catch (error) {
    code = 128;
    if (!(error instanceof UpstreamError)) options.onLog(messageOf(error));
    if (!channel.destroyed) channel.stderr.write(`coregit: ${messageOf(error)}\n`);
  }
  if (channel.destroyed) return;
  channel.exit(code);
  channel.end();
}

/** Waits when the other side is slow. @throws Error when it has gone */
async function write(channel: ServerChannel, chunk: Uint8Array): Promise<void> {
  if (channel.destroyed) throw new UpstreamError("the client has gone");
  if (channel.write(chunk)) return;
  await new Promise<void>((resolve, reject) => {
    const finish = (end: () => void) => () => {
      channel.off("drain", onDrain);
      channel.off("close", onClose);
      end();
    };
    const onDrain = finish(resolve);
    const onClose = finish(() => reject(new UpstreamError("the client has gone")));
    channel.once("drain", onDrain);
    channel.once("close", onClose);
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
