import type { Reservation, ReservationOutcome, TokenUse } from "../../ports/account.ts";

/** Whether what is reserved fits into what is left; the new state of the token when it does. */
export function decideReservation(used: TokenUse, reservation: Reservation): ReservationOutcome {
  for (const quota of ["commits", "bytes"] as const) {
    const limit = reservation.limits[quota];
    if (limit !== null && reservation[quota] > 0 && used[quota] + reservation[quota] > limit) {
      return { kind: "exceeded", excess: { quota, limit, used: used[quota] }, use: used };
    }
  }
  const use = { commits: used.commits + reservation.commits, bytes: used.bytes + reservation.bytes };
  return { kind: "reserved", use };
}

/** What is left after something was given back; never less than nothing. */
export function giveBack(used: TokenUse, { commits, bytes }: TokenUse): TokenUse {
  return { commits: Math.max(0, used.commits - commits), bytes: Math.max(0, used.bytes - bytes) };
}
