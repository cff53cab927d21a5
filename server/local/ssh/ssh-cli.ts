#!/usr/bin/env node
import { readFile, writeFile } from "node:fs/promises";
import { Command, InvalidArgumentError } from "commander";
import ssh2 from "ssh2";
import { createAuthorizedKeys } from "./authorized-keys.ts";
import { startSshProxy } from "./ssh-proxy.ts";

interface CliOptions {
  readonly upstream: string;
  readonly authorizedKeys: string;
  readonly hostKey: string;
  readonly host: string;
  readonly port: number;
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError("a number from 0 to 65535");
  return port;
}

function parseOrigin(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new InvalidArgumentError("an address that begins with http:// or https://");
  }
  return new URL(text).origin;
}

/** The key by which clients know this host again; made once. */
async function readHostKey(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const { private: key } = ssh2.utils.generateKeyPairSync("ed25519");
  await writeFile(path, key, { mode: 0o600, flag: "wx" });
  return key;
}

async function run(): Promise<void> {
  const options = new Command("coregit-ssh-proxy")
    .description("Serves git over SSH in front of a Coregit server.")
    .requiredOption("--upstream <url>", "address of the Coregit server", parseOrigin)
    .requiredOption("--authorized-keys <file>", 'lines: environment="COREGIT_API_KEY=…" ssh-ed25519 AAAA…')
    .option("--host-key <file>", "private key of this host; made when absent", "coregit-ssh-host-key")
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--port <n>", "port; 0 = any free one", parsePort, 2222)
    .parse(process.argv)
    .opts<CliOptions>();
  const keys = createAuthorizedKeys(options.authorizedKeys);
  // A file with a bad line is better told now than at the first connection.
  await keys.find(Buffer.alloc(0));
  const proxy = await startSshProxy({
    ...options,
    hostKey: await readHostKey(options.hostKey),
    keys,
    onLog: (line) => console.error(line),
  });
  console.log(`Git over SSH: ssh://git@${options.host}:${proxy.port}/<org>/<repo>.git`);
  const stop = () => {
    proxy.close().then(() => process.exit(0));
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
}

run().catch((error: unknown) => {
  console.error(`coregit-ssh-proxy: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
});
