import fc from "fast-check";

/** The same everywhere unless a run asks for others, so that a test that passed once passes again. */
const DEFAULT_SEED = 20_260_401;

/**
 * Holds a property to cases that are random but the same in every run. `FC_SEED=<number>` tries others; a failure tells
 * its seed, and so does a run that was given one.
 */
export async function assertSeeded<T>(property: fc.IAsyncProperty<T>, numRuns: number): Promise<void> {
  const given = process.env.FC_SEED;
  const seed = given === undefined ? DEFAULT_SEED : Number(given);
  if (!Number.isInteger(seed)) throw new Error(`FC_SEED is a whole number, not ${given}`);
  console.info(`${numRuns} random cases of seed ${seed}`);
  await fc.assert(property, { seed, numRuns });
}
