/** Where the bytes of a pack go while it arrives: memory first, files once it is larger than that. */
import type { ByteSource, FileSink } from "../ports.ts";
import { createMemorySource } from "./byte-source.ts";

/**
 * Files for one pack that is taken in. `arrived` gets the bytes as they come. `completed` is written only for a thin
 * pack: its header and trailer change, and object storage cannot patch a file.
 */
export interface PackSpool {
  createFile(name: SpoolFile): Promise<FileSink>;
  /** A file that was closed before. */
  openFile(name: SpoolFile): Promise<ByteSource>;
}

export type SpoolFile = "arrived" | "completed";

/** Bytes written once from front to end, then read at will. */
export interface PackFile {
  /** Copies: the caller may reuse the memory. */
  write(bytes: Uint8Array): Promise<void>;
  /** No more bytes come. */
  close(): Promise<StoredPack>;
  /** Drops what was written; does nothing after `close`. */
  abort(): Promise<void>;
}

export interface StoredPack {
  readonly source: ByteSource;
  /** The file that holds it, or null for memory. */
  readonly file: SpoolFile | null;
  readonly pieces: readonly Uint8Array[];
}

export interface PackFileOptions {
  readonly spool: PackSpool | undefined;
  /** Up to here it stays in memory, if there is a spool at all. */
  readonly memoryBytes: number;
}

export function createPackFile(name: SpoolFile, { spool, memoryBytes }: PackFileOptions): PackFile {
  let pieces: Uint8Array[] = [];
  let bytes = 0;
  let sink: FileSink | null = null;
  let closed = false;
  return {
    async write(part) {
      if (part.length === 0) return;
      bytes += part.length;
      const piece = new Uint8Array(part); // not `slice`, with which a Buffer shares its memory
      if (sink) return sink.write(piece);
      pieces.push(piece);
      if (!spool || bytes <= memoryBytes) return;
      sink = await spool.createFile(name);
      for (const early of pieces) await sink.write(early);
      pieces = [];
    },
    async close() {
      closed = true;
      if (!sink || !spool) return { source: createMemorySource(pieces), file: null, pieces };
      await sink.close();
      return { source: await spool.openFile(name), file: name, pieces: [] };
    },
    async abort() {
      if (!closed) await sink?.abort();
      closed = true;
      pieces = [];
    },
  };
}
