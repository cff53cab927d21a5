/**
 * Several streams as one, each value as soon as it is there; at most one value of each waits. The first failure ends
 * all of them, leaving the loop too.
 */
export async function* mergeStreams<T>(
  streams: readonly AsyncGenerator<T, void, undefined>[],
): AsyncGenerator<T, void, undefined> {
  const waiting = new Map<
    number,
    Promise<{ readonly index: number; readonly result: IteratorResult<T, void> }>
  >();
  const ask = (index: number, stream: AsyncGenerator<T, void, undefined>) =>
    waiting.set(
      index,
      stream.next().then((result) => ({ index, result })),
    );
  try {
    for (const [index, stream] of streams.entries()) ask(index, stream);
    while (waiting.size > 0) {
      const { index, result } = await Promise.race(waiting.values());
      waiting.delete(index);
      const stream = streams[index];
      if (result.done || stream === undefined) continue;
      yield result.value;
      ask(index, stream);
    }
  } finally {
    for (const promise of waiting.values()) promise.catch(() => undefined); // The first failure is the one that is told.
    await Promise.allSettled(streams.map((stream) => stream.return()));
  }
}
