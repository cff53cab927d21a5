/** The one alarm of an org, wanted by several at different times: the earliest wish counts. */
export interface OrgAlarm {
  /** Reads what is set; to be awaited before anything else. */
  load(): Promise<void>;
  /** Rings at `atMs` at the latest. A write of this turn, like any other. */
  ensure(atMs: number): void;
  /** It has rung: whoever wants another must ask again. */
  clear(): void;
}

export function createOrgAlarm(storage: DurableObjectStorage): OrgAlarm {
  let setMs: number | null = null;
  return {
    async load() {
      setMs = await storage.getAlarm();
    },
    ensure(atMs) {
      if (setMs !== null && setMs <= atMs) return;
      setMs = atMs;
      void storage.setAlarm(atMs);
    },
    clear() {
      setMs = null;
    },
  };
}
