import * as z from "zod";
import { LIMITS } from "./limits.ts";

const LONE_SURROGATE = /\p{Surrogate}/u;
const WHOLE_NUMBER = /^-?\d{1,15}$/;
const SLUG = /^[a-z0-9]+(-[a-z0-9]+)*$/;

export const slugSchema = z
  .string()
  .min(1)
  .max(LIMITS.slugChars)
  .regex(SLUG, "lower-case letters, digits and single hyphens, such as my-repo-2");

export const shaSchema = z.string().regex(/^[0-9a-f]{40}$/, "40 lower-case hex digits");

/** Shape only; the rules of git-check-ref-format are checked by the server's engine. */
export const refNameSchema = z.string().min(1).max(1_024);

/** Shape only; segments are checked by the server's engine. Length in UTF-8 bytes is checked there too. */
export const pathSchema = z.string().min(1).max(LIMITS.pathBytes);

export const identitySchema = z.strictObject({
  name: z.string().min(1).max(256),
  email: z.string().min(1).max(256),
});

export const modeSchema = z.enum(["100644", "100755", "120000", "160000"]);

/** Free text that has bytes: a lone surrogate has none, and would come back as another character. */
export function textSchema(maxChars: number) {
  return z
    .string()
    .max(maxChars)
    .refine((text) => !LONE_SURROGATE.test(text), "holds a lone surrogate");
}

/** How deep a JSON value is nested, looked at no further than `max`; without recursion, for it comes from outside. */
function isNestedDeeper(value: unknown, max: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > max) return true;
    level = level.flatMap((item) => (item !== null && typeof item === "object" ? Object.values(item) : []));
  }
  return false;
}

/** A JSON object that goes with a commit or a snapshot. */
export const metadataSchema = z
  .record(z.string(), z.unknown())
  .refine((value) => !isNestedDeeper(value, LIMITS.metadataDepth), {
    message: `nested deeper than ${LIMITS.metadataDepth}`,
    abort: true,
  })
  .refine(
    (value) => new TextEncoder().encode(JSON.stringify(value)).length <= LIMITS.metadataBytes,
    `at most ${LIMITS.metadataBytes} bytes as JSON`,
  );

/** Of a commit: what an agent said of it; absent when nobody said anything. */
export const metadataReplySchema = z.record(z.string(), z.unknown()).optional();

/** A boolean in a query string. */
export const flagSchema = z
  .enum(["true", "false", "1", "0"])
  .transform((text) => text === "true" || text === "1");

/** A number in a query string: decimal digits, nothing that only JavaScript reads as one (`""`, `0x10`, `1e1`). */
export function wholeNumberSchema(min: number, max: number, defaultValue: number) {
  const readDigits = (text: unknown) =>
    typeof text === "string" && WHOLE_NUMBER.test(text) ? Number(text) : text;
  return z.preprocess(readDigits, z.number().int().min(min).max(max).default(defaultValue));
}

export function limitSchema(defaultLimit: number, maxLimit: number) {
  return wholeNumberSchema(1, maxLimit, defaultLimit);
}

export const cursorSchema = z.string().min(1).max(1_024).optional();

export const deletedSchema = z.object({ deleted: z.literal(true) });

/** `slug` or `namespace/slug`. */
export const repoPathSchema = z
  .string()
  .regex(/^(?:[a-z0-9-]+\/)?[a-z0-9-]+$/, "slug or namespace/slug")
  .max(2 * LIMITS.slugChars + 1);

/** `slug`, `namespace/slug`, or both parts. */
export const repoNameSchema = z.union([
  repoPathSchema,
  z.strictObject({ slug: slugSchema, namespace: slugSchema.nullish() }),
]);

/** A repository in an SDK call: `"slug"` or both parts. */
export type RepoRef = string | { readonly namespace?: string | null; readonly slug: string };
export type Identity = z.infer<typeof identitySchema>;
export type FileMode = z.infer<typeof modeSchema>;
