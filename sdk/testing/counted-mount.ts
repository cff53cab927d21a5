import { createCoregitClient } from "../client.ts";
import type { MountOptions } from "../mount/mount-options.ts";
import type { MountedFS } from "../mount/mounted-fs.ts";
import { createFakeServer, type SeenRequest } from "./fake-server.ts";
import { MemoryRemote, type MemoryRepo, type SeedFile } from "./memory-remote.ts";

/** A mount whose requests are noted. */
export interface CountedMount {
  readonly mount: MountedFS;
  readonly repo: MemoryRepo;
  /** Requests since the mount was opened; empty it to count anew. */
  readonly seen: SeenRequest[];
}

/** Mounts files as one repository, `app` at the root, behind a server that notes every request. */
export async function mountCounted(
  files: Readonly<Record<string, SeedFile>> = {},
  options: Partial<MountOptions> = {},
): Promise<CountedMount> {
  const remote = new MemoryRemote();
  const repo = await remote.create("app", files);
  const { fetch, seen } = createFakeServer(remote);
  const client = createCoregitClient({ apiKey: "k", baseUrl: "http://server.test", fetch });
  const mount = await client.fs.mount({ repos: [{ slug: "app", as: "/" }], ...options });
  seen.length = 0;
  return { mount, repo, seen };
}
