/** Which entries a set of objects needs, and in which order they can be made. */
import { GitError } from "../errors.ts";
import type { PackIndex } from "./pack-index.ts";
import type { PackRefs } from "./pack-refs.ts";

/** Inflated bytes that one group may hold besides what was asked for. */
const GROUP_BYTES = 32 * 1024 * 1024;

export interface DeltaClosure {
  /** Positions that were asked for. */
  readonly wanted: ReadonlySet<number>;
  /** Positions to read, bases before what is made of them. */
  readonly order: readonly number[];
  /** Numbers of bases that are at hand or outside the pack. */
  readonly given: ReadonlySet<number>;
}

/**
 * Splits `positions`, which are in pack order, into groups whose chains together fit in memory; a single object may
 * exceed that, its chain being made one after the other.
 */
export function* groupByClosure(
  pack: { readonly index: PackIndex; readonly refs: PackRefs },
  positions: readonly number[],
  isGiven: (number: number) => boolean,
): Generator<DeltaClosure, void, undefined> {
  let wanted = new Set<number>();
  let members = new Set<number>();
  let given = new Set<number>();
  let bytes = 0;
  for (const position of positions) {
    const chain = listChain(pack.refs, position, (number) => members.has(number));
    let chainBytes = 0;
    for (const member of chain) if (member < pack.refs.count) chainBytes += pack.refs.sizeAt(member);
    if (wanted.size > 0 && bytes + chainBytes > GROUP_BYTES) {
      yield { wanted, order: sortForMaking(pack, members), given };
      wanted = new Set();
      members = new Set();
      given = new Set();
      bytes = 0;
    }
    wanted.add(position);
    bytes += chainBytes;
    for (const member of listChain(
      pack.refs,
      position,
      (number) => members.has(number) || given.has(number),
    )) {
      if (isGiven(member) || member >= pack.refs.count) {
        given.add(member);
        break;
      }
      members.add(member);
    }
  }
  if (wanted.size > 0) yield { wanted, order: sortForMaking(pack, members), given };
}

/** The object and its bases, tip first, up to one that is known. @throws GitError corrupt-index for a circle */
function listChain(refs: PackRefs, position: number, isKnown: (number: number) => boolean): number[] {
  const chain: number[] = [];
  for (let at = position; at >= 0 && !isKnown(at); at = at < refs.count ? refs.baseAt(at) : -1) {
    chain.push(at);
    if (chain.length > refs.count + 1)
      throw new GitError("corrupt-index", "pack sidecar: bases go in a circle");
  }
  return chain;
}

/**
 * Pack order, if every base comes before its deltas, as in all packs that git or we write; otherwise by depth.
 */
function sortForMaking(
  pack: { readonly index: PackIndex; readonly refs: PackRefs },
  members: ReadonlySet<number>,
): number[] {
  const { index, refs } = pack;
  const offsets = new Map<number, number>();
  for (const member of members) offsets.set(member, index.offsetAt(member));
  const offsetOf = (member: number) => offsets.get(member) ?? -1; // -1: given, there before all others
  const order = [...members].sort((a, b) => offsetOf(a) - offsetOf(b));
  if (order.every((member) => offsetOf(refs.baseAt(member)) < offsetOf(member))) return order;
  const depths = new Map<number, number>();
  for (const member of order) {
    const chain = listChain(refs, member, (number) => depths.has(number) || !members.has(number));
    let depth = depths.get(refs.baseAt(chain.at(-1) ?? member)) ?? 0;
    for (const link of chain.reverse()) depths.set(link, ++depth);
  }
  return order.sort((a, b) => (depths.get(a) ?? 0) - (depths.get(b) ?? 0) || offsetOf(a) - offsetOf(b));
}
