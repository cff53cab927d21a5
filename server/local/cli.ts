#!/usr/bin/env node
import { Command, InvalidArgumentError, Option } from "commander";
import { findParent } from "./processes.ts";
import { type LocalServer, StartError, startLocal } from "./start-local.ts";

interface CliOptions {
  readonly port: number;
  readonly data: string;
  readonly json: boolean;
  readonly limits: "on" | "off";
  readonly outbound: readonly string[];
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError("a number from 0 to 65535");
  return port;
}

function parseHosts(text: string): string[] {
  return text
    .split(",")
    .map((host) => host.trim())
    .filter((host) => host !== "");
}

function readOptions(argv: readonly string[]): CliOptions {
  return new Command("coregit-server")
    .description("Runs Coregit on this machine: no account, no network, everything in one folder.")
    .option("--port <n>", "port on 127.0.0.1; 0 = any free one", parsePort, 8787)
    .option("--data <dir>", "folder for repositories and keys", ".coregit")
    .option("--json", "print one JSON line with url and keys when ready", false)
    .addOption(new Option("--limits <on|off>", "rate limits").choices(["on", "off"]).default("on"))
    .option("--outbound <hosts>", "private hosts that it may call, separated by commas", parseHosts, [])
    .allowExcessArguments(false)
    .parse([...argv])
    .opts<CliOptions>();
}

/** Variables of the Worker that are taken over from this process's environment. */
const PASSED_ON = ["OUTBOUND_HOSTS", "WEBHOOK_RETRY_SECONDS"];

function readVars(): Record<string, string> {
  return Object.fromEntries(
    PASSED_ON.flatMap((name) => {
      const value = process.env[name];
      return value ? [[name, value]] : [];
    }),
  );
}

function printReady(server: LocalServer, options: CliOptions): void {
  if (options.json) {
    const { url, apiKey, org, adminKey } = server;
    console.log(JSON.stringify({ url, api_key: apiKey, org, admin_key: adminKey }));
    return;
  }
  console.log(`Coregit is ready.

  url       ${server.url}
  api key   ${server.apiKey}
  org       ${server.org}
  data      ${options.data}

  Clone     git clone http://x:$COREGIT_API_KEY@${new URL(server.url).host}/${server.org}/<repo>.git
  Stop      Ctrl-C`);
}

/** A terminal's Ctrl-C reaches workerd as well, and it may be gone before our own signal is handled. */
const SIGNAL_GRACE_MS = 250;

const PARENT_POLL_MS = 100;

/**
 * Calls `stop` when npm, which started this process through a shell, has gone: npm does not pass on a SIGKILL, nor the
 * shell a SIGTERM. Started by anything else, a server outlives its parent.
 */
async function followNpm(stop: () => void): Promise<void> {
  if (!process.env.npm_lifecycle_event) return;
  const shell = process.ppid;
  const npm = await findParent(shell);
  setInterval(async () => {
    if (process.ppid !== shell || (await findParent(shell)) !== npm) stop();
  }, PARENT_POLL_MS).unref();
}

async function run(): Promise<void> {
  const options = readOptions(process.argv);
  const server = await startLocal({
    dataDir: options.data,
    port: options.port,
    limits: options.limits,
    vars: readVars(),
    outboundHosts: options.outbound,
    onLog: (line) => console.error(line),
  });

  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    await server.stop();
    process.exit(0);
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  await followNpm(stop);
  server.exited.then(() =>
    setTimeout(async () => {
      if (stopping) return;
      console.error("coregit-server: workerd ended by itself");
      await server.stop();
      process.exit(1);
    }, SIGNAL_GRACE_MS),
  );
  printReady(server, options);
}

run().catch((error: unknown) => {
  // A StartError says what to do; of anything else the stack is of use.
  console.error(error instanceof StartError ? `coregit-server: ${error.message}` : error);
  process.exit(1);
});
