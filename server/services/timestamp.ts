/** Last second that ECMAScript's Date can hold; odd commits have later ones. */
const SECONDS_MAX = 8_640_000_000_000;

/** ISO 8601 in UTC, such as `2026-11-21T04:00:00.000Z`, of git's seconds since 1970. Impossible dates are clamped. */
export function formatTimestamp(seconds: number): string {
  const clamped = Math.min(Math.max(seconds, -SECONDS_MAX), SECONDS_MAX);
  return new Date(clamped * 1000).toISOString();
}
