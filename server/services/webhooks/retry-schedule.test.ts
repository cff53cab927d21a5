import { describe, expect, it } from "vitest";
import { createRetrySchedule } from "./retry-schedule.ts";

describe("the schedule of attempts", () => {
  it("has eight attempts within 22 to 28 hours", () => {
    for (const [random, hours] of [
      [0, [22, 23]],
      [1, [26, 28]],
    ] as const) {
      const schedule = createRetrySchedule(undefined, () => random);
      const delays = [1, 2, 3, 4, 5, 6, 7].map((attempt) => schedule(attempt) ?? 0);
      const total = delays.reduce((sum, ms) => sum + ms, 0) / 3_600_000;
      expect(total).toBeGreaterThan(hours[0]);
      expect(total).toBeLessThan(hours[1]);
      expect(schedule(8)).toBeNull();
    }
  });

  it("is what the deployment says, with up to a fifth more", () => {
    const schedule = createRetrySchedule("0.5,10", () => 1);
    expect([schedule(1), schedule(2), schedule(3)]).toEqual([600, 12_000, null]);
  });

  it.each(["a", "1,,2", "-1", "1e9", "1,2,3,4,5,6,7,8", "NaN"])(
    "is refused when it is no such list: %s",
    (text) => {
      expect(() => createRetrySchedule(text)).toThrow("WEBHOOK_RETRY_SECONDS");
    },
  );
});
