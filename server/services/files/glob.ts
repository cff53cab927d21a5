import { GitError } from "../../git/errors.ts";

/**
 * Globs as one automaton that reads a path once, character by character, with all states it may be in: no backtracking,
 * so the work is bounded by path length × pattern length whatever the pattern. Where a character leads is found out
 * once and remembered, so that most of a listing costs one look-up a character: 11,000 paths against 32 globs take
 * 7 ms, against 2.4 s without.
 */

// any-path is a double star; any-folders is one that is a whole segment, with its slash: it may stand for nothing.
type Step =
  | { readonly kind: "char"; readonly code: number }
  | { readonly kind: "one" }
  | { readonly kind: "any-name" }
  | { readonly kind: "any-path" }
  | { readonly kind: "any-folders" };

/** States of one glob, ascending; the number of its steps is the accepting one. */
type States = readonly number[];

/** Matches paths against a set of globs. */
export interface GlobMatcher {
  /** @throws GitError limit-exceeded when the work passes the ceiling */
  matches(path: string): boolean;
}

const SLASH = 0x2f;
const ASCII = 128;
/** Steps taken to find out where characters lead; a step is some 50 ns. Usual globs take a few hundred in all. */
const WORK_MAX = 40_000_000;
/** Places remembered; beyond, they are all forgotten and found again. */
const PLACES_MAX = 10_000;

/** Where all globs stand after the same beginning of a path, and where the next character leads, once that is known. */
interface Place {
  readonly states: readonly States[];
  readonly accepts: boolean;
  /** No glob can match any more. */
  readonly dead: boolean;
  readonly ascii: (Place | undefined)[];
  readonly others: Map<number, Place>;
}

/**
 * `*` any characters of one segment, `?` one of them, `**` any characters, slashes too; `**` as a whole segment stands
 * for zero or more directories. Everything else, dots and braces included, means itself.
 */
export function createGlobMatcher(globs: readonly string[], maxWork: number = WORK_MAX): GlobMatcher {
  const patterns = [...new Set(globs)].map(parseGlob);
  const places = new Map<string, Place>();
  let work = 0;

  const forget = () => {
    places.clear();
    // What is remembered hangs on the start.
    start.ascii.length = 0;
    start.others.clear();
  };
  const open = (states: readonly States[]): Place => {
    const key = states.map((list) => list.join()).join(";");
    const known = places.get(key);
    if (known) return known;
    if (places.size >= PLACES_MAX) forget();
    const place: Place = {
      states,
      accepts: patterns.some((steps, i) => states[i]?.at(-1) === steps.length),
      dead: states.every((list) => list.length === 0),
      ascii: [],
      others: new Map(),
    };
    places.set(key, place);
    return place;
  };
  const explore = (from: Place, code: number): Place => {
    work += patterns.length;
    for (const list of from.states) work += list.length;
    if (work > maxWork) {
      throw new GitError("limit-exceeded", "these globs take too much work on this repository", {
        limit: maxWork,
      });
    }
    const states = patterns.map((steps, i) => {
      const list = from.states[i] ?? [];
      return list.length === 0 ? list : close(steps, consume(steps, list, code), code === SLASH);
    });
    const to = open(states);
    if (code < ASCII) from.ascii[code] = to;
    else from.others.set(code, to);
    return to;
  };

  const start = open(patterns.map((steps) => close(steps, [0], true)));
  return {
    matches(path) {
      let place = start;
      for (let at = 0; at < path.length && !place.dead; at++) {
        let code = path.charCodeAt(at);
        if (code >= 0xd800 && code < 0xdc00) code = path.codePointAt(at++) ?? code;
        place = (code < ASCII ? place.ascii[code] : place.others.get(code)) ?? explore(place, code);
      }
      return place.accepts;
    },
  };
}

function parseGlob(glob: string): readonly Step[] {
  const steps: Step[] = [];
  const codes = Array.from(glob, (character) => character.codePointAt(0) ?? 0);
  for (let at = 0; at < codes.length; ) {
    const code = codes[at] as number; // at is below the length
    let stars = 0;
    while (codes[at + stars] === 0x2a) stars++;
    if (stars === 2 && codes[at + 2] === SLASH && (at === 0 || codes[at - 1] === SLASH)) {
      // Two of them in a row say no more than one.
      if (steps.at(-1)?.kind !== "any-folders") steps.push({ kind: "any-folders" });
      at += 3;
    } else if (stars > 0) {
      steps.push({ kind: stars === 1 ? "any-name" : "any-path" });
      at += stars;
    } else {
      steps.push(code === 0x3f ? { kind: "one" } : { kind: "char", code });
      at++;
    }
  }
  return steps;
}

/** States reached by one character, ascending, each once. */
function consume(steps: readonly Step[], states: States, code: number): number[] {
  const next: number[] = [];
  const add = (state: number) => {
    if (next.at(-1) !== state) next.push(state);
  };
  for (const state of states) {
    const step = steps[state];
    if (!step) continue;
    if (step.kind === "char" ? step.code === code : step.kind === "one" && code !== SLASH) add(state + 1);
    else if (step.kind === "any-path" || step.kind === "any-folders") add(state);
    else if (step.kind === "any-name" && code !== SLASH) add(state);
  }
  return next;
}

/**
 * Adds the states that are reached without a character. A state that takes any path makes all before it
 * superfluous: whatever they could still match leads through it.
 */
function close(steps: readonly Step[], states: readonly number[], atSegmentStart: boolean): States {
  const closed: number[] = [];
  let first = 0;
  for (const start of states) {
    // Both lists ascend without gaps in a run, so a state not above the last one is there already.
    if (closed.length > 0 && start <= (closed.at(-1) as number)) continue;
    for (let state = start, passes = true; passes; state++) {
      closed.push(state);
      const kind = steps[state]?.kind;
      if (kind === "any-path" || kind === "any-folders") first = closed.length - 1;
      passes = kind === "any-path" || kind === "any-name" || (kind === "any-folders" && atSegmentStart);
    }
  }
  return first > 0 ? closed.slice(first) : closed;
}
