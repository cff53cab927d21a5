/** Where a mount answers otherwise than node:fs on Linux, and why. Everything else has to be the same. */
export interface Deviation {
  /** Cases that it is about, by their titles. */
  readonly cases: RegExp;
  readonly why: string;
}

export const DEVIATIONS: readonly Deviation[] = [];

/** Why a case may differ; null when it may not. */
export function findDeviation(title: string): string | null {
  return DEVIATIONS.find(({ cases }) => cases.test(title))?.why ?? null;
}
