/**
 * What a diff may cost. Git has no such ceiling, and two files of 10 MB without a line in common can keep it busy for
 * minutes; here what is left when the budget is spent counts as changed as a whole: coarser, but still a true diff.
 */
export interface DiffBudget {
  /** Comparisons and diagonals left. */
  steps: number;
}

/** About a second of work. Files of 10 MB that differ in thousands of places stay far below it. */
export const DIFF_STEPS_MAX = 150_000_000;

export function createDiffBudget(steps: number = DIFF_STEPS_MAX): DiffBudget {
  return { steps };
}
