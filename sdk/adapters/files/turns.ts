/** Runs work on one path after the other, in the order in which it was asked for; work on other paths does not wait. */
export type Turns = <T>(path: string, work: () => Promise<T>) => Promise<T>;

/** Makes turns of their own. Two changes of one file that are made at once both happen, and in order. */
export function createTurns(): Turns {
  const last = new Map<string, Promise<unknown>>();
  return (path, work) => {
    const turn = (last.get(path) ?? Promise.resolve()).then(work, work);
    last.set(path, turn);
    const leave = () => {
      if (last.get(path) === turn) last.delete(path);
    };
    turn.then(leave, leave);
    return turn;
  };
}
