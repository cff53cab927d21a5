import { describe, expect, it } from "vitest";
import type { Oid } from "../git/hash/oid.ts";
import { AGENT_NOTES_REF, readNotesRoot } from "../git/notes/note-commit.ts";
import { findNotes } from "../git/notes/note-tree.ts";
import type { ObjectReader } from "../git/ports.ts";
import type { CommittingRepoStore } from "../ports/repo.ts";
import { makeObject } from "./plan-root-files.ts";
import { putRequest, readReceipt } from "./repo-store-contract.ts";

const REASON = { actor: "key_test", message: "test" };

/** What every repository store does with notes: they are written in the step that makes what they are about. */
export function notesContract(create: () => Promise<CommittingRepoStore>): void {
  const tipOf = async (store: CommittingRepoStore) =>
    (await store.snapshot({ refs: [AGENT_NOTES_REF] })).refs.get(AGENT_NOTES_REF) ?? null;
  const readHot = (store: CommittingRepoStore): Pick<ObjectReader, "readObjects"> => ({
    async readObjects(oids) {
      const found = new Map((await store.readHot(oids)).map((object) => [object.oid, object]));
      return { found, missing: oids.filter((oid) => !found.has(oid)) };
    },
  });
  const readNotes = async (store: CommittingRepoStore, oids: readonly Oid[]) => {
    const reader = readHot(store);
    const tip = await tipOf(store);
    const blobs = tip ? await findNotes(reader, await readNotesRoot(reader, tip), oids) : new Map<Oid, Oid>();
    const { found } = await reader.readObjects([...blobs.values()]);
    return oids.map((oid) => {
      const note = found.get(blobs.get(oid) ?? oid);
      return note?.type === "blob" ? Buffer.from(note.data).toString() : null;
    });
  };
  const commit = async (store: CommittingRepoStore, path: string, more = {}) =>
    readReceipt(await store.commit(putRequest(path, path, more))).oid;

  describe("notes", () => {
    it("come with their commits, and commits without any leave them alone", async () => {
      const store = await create();
      const first = await commit(store, "a", { note: "note a\n" });
      const tip = await tipOf(store);
      const second = await commit(store, "b");
      expect(await tipOf(store)).toBe(tip);
      expect(await readNotes(store, [first, second])).toEqual(["note a\n", null]);
      const [line] = await store.listReflog({ ref: AGENT_NOTES_REF, limit: 2 });
      expect(line).toMatchObject({ from: null, to: tip, reason: { actor: "key_test" } });
    });

    it("of concurrent commits to several branches and of moves are all kept", async () => {
      const store = await create();
      const seed = await commit(store, "seed");
      const branches = ["b0", "b1", "b2"];
      const updates = branches.map((name) => ({ name: `refs/heads/${name}`, next: seed }));
      await store.transact({ updates, atomic: true, reason: REASON });
      const blob = makeObject("blob", "moved\n");
      const [oids] = await Promise.all([
        Promise.all(
          Array.from({ length: 24 }, (_, i) =>
            commit(store, `f${i}`, { branch: branches[i % 3], note: `note ${i}\n` }),
          ),
        ),
        store.transact({
          updates: [{ name: "refs/tags/t", next: seed }],
          atomic: true,
          reason: REASON,
          objects: [blob],
          notes: [{ annotated: seed, blob: blob.oid }],
        }),
      ]);
      expect(await readNotes(store, oids)).toEqual(oids.map((_, i) => `note ${i}\n`));
      expect(await readNotes(store, [seed])).toEqual(["moved\n"]);
    });

    it("are not written when the move that brings them is refused", async () => {
      const store = await create();
      const seed = await commit(store, "seed");
      const blob = makeObject("blob", "x\n");
      const results = await store.transact({
        updates: [{ name: "refs/heads/main", next: seed, expected: null }],
        atomic: true,
        reason: REASON,
        objects: [blob],
        notes: [{ annotated: seed, blob: blob.oid }],
      });
      expect(results).toMatchObject([{ kind: "rejected", reason: "stale", current: seed }]);
      expect(await tipOf(store)).toBeNull();
    });

    it("are refused where the ref of the notes is at something else, and nothing is written", async () => {
      const store = await create();
      const blob = makeObject("blob", "x");
      const updates = [{ name: AGENT_NOTES_REF, next: blob.oid }];
      await store.transact({ updates, atomic: true, reason: REASON, objects: [blob] });
      await expect(store.commit(putRequest("a", "a", { note: "n\n" }))).rejects.toMatchObject({
        code: "wrong-type",
      });
      expect((await store.snapshot({ refs: ["refs/heads/main"] })).refs.size).toBe(0);
    });
  });
}
