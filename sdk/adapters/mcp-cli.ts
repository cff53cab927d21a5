#!/usr/bin/env node
/**
 * The program `coregit-mcp`: an MCP server over stdio for the repositories that its arguments name. Key and address come
 * from COREGIT_API_KEY and COREGIT_BASE_URL.
 */
import { createCoregitClient } from "../client.ts";
import { parseArguments, USAGE } from "./mcp/cli-arguments.ts";
import { serveStdio } from "./mcp-stdio.ts";

/** What is used of node's process. */
interface CliProcess {
  readonly argv: readonly string[];
  exitCode?: number;
  exit(code?: number): never;
}

// A program runs in node; the core is compiled without node's types.
const { process } = globalThis as unknown as { process: CliProcess };

async function run(args: readonly string[]): Promise<void> {
  const options = parseArguments(args);
  if (options === null) {
    console.error(USAGE);
    return;
  }
  const client = createCoregitClient();
  const { repos, branch, readOnly, allowedDirectories, commitMode } = options;
  const mount = await client.fs.mount({
    repos,
    mode: readOnly ? "ro" : "rw",
    commitMode,
    ...(branch === undefined ? {} : { branch }),
  });
  // The output belongs to the protocol: everything for people goes to stderr.
  console.error(
    `coregit-mcp: serving ${repos.map(({ slug }) => slug).join(", ")}${readOnly ? ", read-only" : ""}`,
  );
  await serveStdio(mount, { readOnly, allowedDirectories, repositories: { client, repos } });
  const unsaved = await mount.status();
  if (unsaved.length > 0) console.error(`coregit-mcp: committing ${unsaved.length} unsaved changes`);
  await mount.unmount({ onUnsaved: "commit" });
}

try {
  await run(process.argv.slice(2));
  // What waits for the input would keep the process.
  process.exit();
} catch (error) {
  console.error(`coregit-mcp: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
