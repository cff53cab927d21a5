/**
 * Lines of those who compute something on a ref before they move it: merges, lands, flushes of sessions. Without a line
 * fifty of them that start together all compute on the same tip, one wins, and forty-nine begin anew.
 * A turn is a courtesy and no lock: whoever has none, or outstays it, moves the ref all the same by compare-and-swap.
 * Nothing here is stored: when the object restarts, the lines are gone and everybody competes as before.
 */
export interface RefTurns {
  /** Waits in line; null when the line is too long, or does not move: go without. */
  take(name: string): Promise<number | null>;
  /** The holder has lost to somebody who did not wait: from now until its turn ends, others wait in `pass`. */
  insist(name: string, turn: number): void;
  /** Lets the next one in; a turn that is over already is no error. */
  end(name: string, turn: number): void;
  /** Waits for a holder that insists, at most {@link TURN_MS}; null when there is nothing to wait for. */
  pass(name: string, turn?: number): Promise<void> | null;
}

/** How long a turn lasts: a merge takes milliseconds, and whoever has died must not hold up the others. */
export const TURN_MS = 5_000;
/** Longer than this nobody waits. */
const WAIT_MS = 30_000;
const LINE_MAX = 1_000;

interface Line {
  holder: number;
  /** Ends the holder's turn by itself. */
  timer: ReturnType<typeof setTimeout>;
  insisted: boolean;
  readonly passers: Set<() => void>;
  readonly waiters: Set<(turn: number | null) => void>;
}

/** Lines without anybody in them. Times in ms. */
export function createRefTurns({ turnMs = TURN_MS, waitMs = WAIT_MS } = {}): RefTurns {
  const lines = new Map<string, Line>();
  let last = 0;

  function hold(name: string): { readonly turn: number; readonly timer: Line["timer"] } {
    const turn = ++last;
    return { turn, timer: setTimeout(() => end(name, turn), turnMs) };
  }

  function end(name: string, turn: number): void {
    const line = lines.get(name);
    if (line?.holder !== turn) return;
    clearTimeout(line.timer);
    line.insisted = false;
    for (const go of line.passers) go();
    line.passers.clear();
    const [next] = line.waiters;
    if (!next) {
      lines.delete(name);
      return;
    }
    line.waiters.delete(next);
    const held = hold(name);
    line.holder = held.turn;
    line.timer = held.timer;
    next(held.turn);
  }

  return {
    end,
    async take(name) {
      const line = lines.get(name);
      if (!line) {
        const { turn, timer } = hold(name);
        lines.set(name, { holder: turn, timer, insisted: false, passers: new Set(), waiters: new Set() });
        return turn;
      }
      if (line.waiters.size >= LINE_MAX) return null;
      return new Promise<number | null>((done) => {
        const timer = setTimeout(() => {
          if (line.waiters.delete(enter)) done(null);
        }, waitMs);
        const enter = (turn: number | null) => {
          clearTimeout(timer);
          done(turn);
        };
        line.waiters.add(enter);
      });
    },
    insist(name, turn) {
      const line = lines.get(name);
      if (line?.holder === turn) line.insisted = true;
    },
    pass(name, turn) {
      const line = lines.get(name);
      if (!line?.insisted || line.holder === turn) return null;
      return new Promise<void>((done) => line.passers.add(done));
    },
  };
}
