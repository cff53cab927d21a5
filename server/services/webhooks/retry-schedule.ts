import { LIMITS } from "../../../sdk/contract/limits.ts";

/** Seconds between attempts: eight of them within 23 hours. */
const DEFAULT_SECONDS = [10, 60, 300, 1_800, 7_200, 21_600, 50_400];
/** Up to so much is added, so that what failed together does not come back together. */
const JITTER = 0.2;
const SECONDS_MAX = 7 * 24 * 60 * 60;

/** How long to wait after the n-th attempt failed (from 1), in ms; null: that was the last. */
export type RetrySchedule = (attempts: number) => number | null;

/**
 * The schedule of `WEBHOOK_RETRY_SECONDS`, delays separated by commas; the default one without it.
 * @throws Error when the text is no such list
 */
export function createRetrySchedule(
  text: string | undefined,
  random: () => number = Math.random,
): RetrySchedule {
  const seconds =
    text === undefined
      ? DEFAULT_SECONDS
      : text.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  const isList = seconds.every((delay) => delay >= 0 && delay <= SECONDS_MAX);
  if (!isList || seconds.length > LIMITS.webhookAttempts - 1) {
    const rule = `up to ${LIMITS.webhookAttempts - 1} delays in seconds, separated by commas`;
    throw new Error(`WEBHOOK_RETRY_SECONDS must be ${rule}`);
  }
  return (attempts) => {
    const delay = seconds[attempts - 1];
    return delay === undefined ? null : Math.round(delay * 1_000 * (1 + JITTER * random()));
  };
}
