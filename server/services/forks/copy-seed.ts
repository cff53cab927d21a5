import { GitError } from "../../git/errors.ts";
import type { FileStore, PackEntry, RefReason } from "../../git/ports.ts";
import type { ForkSeed } from "../../ports/fork.ts";
import type { CommittingRepoStore } from "../../ports/repo.ts";

/** Bytes read at a time: memory is this, whatever the pack's size. */
const PIECE_BYTES = 4 * 1024 * 1024;

/**
 * Writes a seed into a new store as packs of its own, oldest first. Costs one read and one write of every byte.
 * @throws GitError corrupt-pack when a file of the source is missing
 */
export async function copySeed(
  files: FileStore,
  target: CommittingRepoStore,
  seed: ForkSeed,
  reason: RefReason,
): Promise<void> {
  for (const pack of [...seed.packs].reverse()) {
    const place = await target.beginPack();
    await copyPack(files, pack, place.key);
    await target.transact({ updates: [], atomic: true, reason, pack: { ...pack, ...place } });
  }
  const { head } = await target.snapshot({});
  const home = head.kind === "symbolic" ? head.target : null;
  await target.transact({
    updates: seed.refs.map(({ name, oid, peeled, expiresAtMs }) => ({
      name,
      expected: null,
      next: oid,
      ...(peeled && { peeled }),
      // The default branch never goes by itself.
      ...(expiresAtMs !== undefined && name !== home && { expiresAtMs }),
    })),
    atomic: true,
    reason,
    objects: seed.objects,
  });
}

async function copyPack(files: FileStore, pack: PackEntry, to: string): Promise<void> {
  await copyFile(files, `${pack.key}.idx`, `${to}.idx`);
  await copyFile(files, `${pack.key}.refs`, `${to}.refs`);
  await copyFile(files, `${pack.key}.pack`, `${to}.pack`);
}

async function copyFile(files: FileStore, from: string, to: string): Promise<void> {
  const source = await files.open(from);
  if (!source) throw new GitError("corrupt-pack", "a file of a catalogued pack is missing", { key: from });
  const sink = await files.createFile(to);
  try {
    for (let offset = 0; offset < source.size; offset += PIECE_BYTES) {
      await sink.write(await source.read(offset, Math.min(PIECE_BYTES, source.size - offset)));
    }
    await sink.close();
  } catch (error) {
    await sink.abort();
    throw error;
  }
}
