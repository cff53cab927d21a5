/** Where a mount answers otherwise than node:fs on Linux, and why. Everything else has to be the same. */
export interface Deviation {
  /** Cases that it is about, by their titles. */
  readonly cases: RegExp;
  readonly why: string;
}

export const DEVIATIONS: readonly Deviation[] = [
  {
    cases:
      /^link\("\/(?:file|exec|dir\/+(?:\.\/)?inner|dir\/\.\.\/file|link|dirlink(?:\/inner|\/\.\.\/file)?|abslink(?:\/deep)?|dir\/uplink|broken|loop)", "\/hard"\)$/,
    why: "git has no hard links: EPERM, which is what link(2) says of such a filesystem",
  },
  {
    cases: /^rm\("\/(?:dir\/sub\/\.\.|empty\/\.\.|dirlink\/)", \{"recursive":true\}\)$/,
    why: "node empties what `x/..` or `link/` leads to, cannot remove it and reports success; refused, as rm(1) does",
  },
  {
    cases: /^writes text in an encoding that there is not/,
    why: "node writes UTF-8 when a handle's encoding is unknown; refused with ERR_INVALID_ARG_VALUE, as everywhere else",
  },
];

/** Why a case may differ; null when it may not. */
export function findDeviation(title: string): string | null {
  return DEVIATIONS.find(({ cases }) => cases.test(title))?.why ?? null;
}
