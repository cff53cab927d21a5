import { type CoregitClient, createCoregitClient } from "../client.ts";
import type { MountOptions } from "../mount/mount-options.ts";
import type { MountedFS } from "../mount/mounted-fs.ts";
import { createFakeServer } from "./fake-server.ts";
import { MemoryRemote, type MemoryRepo, type SeedFile } from "./memory-remote.ts";

/** A mount of an in-memory repository, with what is behind it. */
export interface MountedFiles {
  readonly mount: MountedFS;
  readonly repo: MemoryRepo;
  readonly client: CoregitClient;
}

/** Mounts files as one repository, `app` at the root, writes being kept until a commit. */
export async function mountFiles(
  files: Readonly<Record<string, SeedFile>> = {},
  options: Partial<MountOptions> = {},
): Promise<MountedFiles> {
  const remote = new MemoryRemote();
  const repo = await remote.create("app", files);
  const server = createFakeServer(remote);
  const client = createCoregitClient({ apiKey: "k", baseUrl: "http://server.test", fetch: server.fetch });
  const mount = await client.fs.mount({ repos: [{ slug: "app", as: "/" }], ...options });
  return { mount, repo, client };
}
