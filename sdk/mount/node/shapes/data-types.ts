/** One piece of what is written. */
export type Chunk = string | ArrayBufferView;

/** What can be written to a file. */
export type FileData = Chunk | ArrayBuffer | Iterable<Chunk> | AsyncIterable<Chunk>;
