import type { RunRequest, SyncLink, SyncRun, SyncStore } from "../ports/sync.ts";

/** Links and runs of one repository in memory. Nothing runs: runs stay queued. For tests of who may do what. */
export function createMemorySyncStore(): SyncStore {
  const links = new Map<string, SyncLink>();
  const runs: SyncRun[] = [];
  const queue = ({ linkId, spec, trigger }: RunRequest): SyncRun => {
    const run: SyncRun = {
      id: `run_${runs.length}`,
      seq: runs.length + 1,
      linkId,
      spec,
      trigger,
      status: "queued",
      attempts: 0,
      createdAtMs: Date.now(),
      startedAtMs: null,
      endedAtMs: null,
      report: null,
    };
    runs.push(run);
    return run;
  };
  const findRun = async (id: string) => runs.find((run) => run.id === id) ?? null;
  return {
    async createLink(_, link) {
      const created: SyncLink = {
        ...link,
        state: "active",
        stateReason: null,
        failures: 0,
        nextRunAtMs: null,
        lastSyncedAtMs: null,
        lastError: null,
        lastSyncedSha: null,
        createdAtMs: Date.now(),
        updatedAtMs: Date.now(),
      };
      links.set(link.id, created);
      return { kind: "created", link: created };
    },
    listLinks: async () => [...links.values()],
    findLink: async (id) => links.get(id) ?? null,
    async updateLink(id, patch) {
      const link = links.get(id);
      if (link) links.set(id, { ...link, ...patch });
      return links.get(id) ?? null;
    },
    deleteLink: async (id) => links.delete(id),
    start: async (_, request) => ({ kind: "started", run: queue(request) }),
    findRun,
    awaitRun: findRun,
    listRuns: async ({ limit }) => ({ runs: [...runs].reverse().slice(0, limit), next: null }),
    notePush: async () => undefined,
    noteHook: async (linkId) => links.has(linkId),
    async destroy() {
      links.clear();
    },
  };
}
