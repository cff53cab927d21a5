/** Attempts to reach an object by its id alone. */

/** Two commits of the attacker's own main branch. */
export interface OwnHistory {
  readonly first: string;
  readonly head: string;
}

/** A request below a repository's address. */
type Attempt = (sha: string, own: OwnHistory) => readonly [method: string, path: string, body?: unknown];

/** The body of a commit to main. */
export const commitOf = (changes: readonly unknown[], more: object = {}) => ({
  branch: "main",
  message: "take",
  changes,
  ...more,
});

const put = (path: string, content: string) => ({ path, content });

/** Every way to name an object, below a repository of the attacker's own, which has a snapshot called base. */
const BY_SHA: Readonly<Record<string, Attempt>> = {
  "GET commit": (sha) => ["GET", `/commits/${sha}`],
  "GET commits of a ref": (sha) => ["GET", `/commits?ref=${sha}`],
  "GET commits with a made-up cursor": (sha) => ["GET", `/commits?cursor=${sha}.0`],
  "GET tree": (sha) => ["GET", `/tree/${sha}`],
  "GET tree, recursively": (sha) => ["GET", `/tree/${sha}?recursive=true`],
  "GET tree with a made-up cursor": (sha) => ["GET", `/tree/main?cursor=${sha}.0`],
  "GET blob": (sha) => ["GET", `/blob/${sha}/secret.txt`],
  "GET raw": (sha) => ["GET", `/raw/${sha}/secret.txt`],
  "GET object": (sha) => ["GET", `/objects/${sha}`],
  "GET rev-parse": (sha) => ["GET", `/rev-parse?ref=${sha}`],
  "GET rev-parse of a short id": (sha) => ["GET", `/rev-parse?ref=${sha.slice(0, 10)}`],
  "GET rev-parse of its tree": (sha) => ["GET", `/rev-parse?ref=${sha}%5E%7Btree%7D`],
  "GET rev-parse of its parent": (sha) => ["GET", `/rev-parse?ref=${sha}~1`],
  "GET diff from it": (sha) => ["GET", `/diff?base=${sha}&head=main&patch=true`],
  "GET diff to it": (sha) => ["GET", `/diff?base=main&head=${sha}&patch=true`],
  "GET compare from it": (sha) => ["GET", `/compare?base=${sha}&head=main`],
  "GET compare to it": (sha) => ["GET", `/compare?base=main&head=${sha}`],
  "POST blobs/batch": (sha) => ["POST", "/blobs/batch", { ref: sha, paths: ["secret.txt"] }],
  "POST prefetch": (sha) => ["POST", "/prefetch", { ref: sha, globs: ["**"] }],
  "POST grep": (sha) => ["POST", "/grep", { ref: sha, pattern: "secret" }],
  "POST grep with a made-up cursor": (sha) => ["POST", "/grep", { cursor: `${sha}.0.0`, pattern: "secret" }],
  "POST exec at it": (sha) => ["POST", "/exec", { command: "cat secret.txt", ref: sha }],
  "POST exec over it": (sha) => [
    "POST",
    "/exec",
    { command: "cat stolen", pre_apply_changes: [{ path: "stolen", sha }] },
  ],
  "POST branches from_sha": (sha) => ["POST", "/branches", { name: "stolen", from_sha: sha }],
  "POST branches from": (sha) => ["POST", "/branches", { name: "stolen", from: sha }],
  "PUT a branch": (sha) => ["PUT", "/refs/heads/stolen", { sha }],
  "PUT a tag": (sha) => ["PUT", "/refs/tags/stolen", { sha }],
  "PUT a ref that must be at it": (sha, own) => [
    "PUT",
    "/refs/heads/main",
    { sha: own.head, expected_sha: sha },
  ],
  "POST tags": (sha) => ["POST", "/tags", { name: "stolen", target: sha }],
  "POST tags with a message": (sha) => ["POST", "/tags", { name: "stolen", target: sha, message: "m" }],
  "POST merge of it": (sha) => ["POST", "/branches/main/merge", { source: sha }],
  "POST merge that expects it": (sha) => [
    "POST",
    "/branches/main/merge",
    { source: "main", expected_sha: sha },
  ],
  "POST land": (sha) => ["POST", "/land", { source: sha, target: "main" }],
  "POST cherry-pick up to it": (sha, own) => [
    "POST",
    "/cherry-pick",
    { base: own.first, head: sha, onto: "main" },
  ],
  "POST cherry-pick after it": (sha, own) => [
    "POST",
    "/cherry-pick",
    { base: sha, head: "main", onto: own.first },
  ],
  "POST cherry-pick onto it": (sha, own) => [
    "POST",
    "/cherry-pick",
    { base: own.first, head: own.head, onto: sha },
  ],
  "POST revert": (sha) => ["POST", "/revert", { commit: sha, branch: "main" }],
  "POST reset": (sha) => ["POST", "/reset", { branch: "main", sha }],
  "POST snapshot restore that expects it": (sha) => [
    "POST",
    "/snapshots/base/restore",
    { target_branch: "main", expected_sha: sha },
  ],
  "POST commit of it as a file": (sha) => ["POST", "/commits", commitOf([{ path: "stolen", sha }])],
  "POST commit in bulk": (sha) => ["POST", "/commits/bulk", commitOf([{ path: "stolen", sha }])],
  "POST commit on it": (sha) => ["POST", "/commits", commitOf([put("x", "x")], { parent_sha: sha })],
  "POST commit rebased from it": (sha) => [
    "POST",
    "/commits",
    commitOf([put("x", "x")], { parent_sha: sha, rebase: true }),
  ],
  "POST commit if a file is it": (sha) => [
    "POST",
    "/commits",
    commitOf([{ ...put("README.md", "x"), if_match: sha }]),
  ],
  "POST commit rebased from a file": (sha) => [
    "POST",
    "/commits",
    commitOf([{ ...put("README.md", "x"), if_match: sha }], { rebase: true }),
  ],
};

/** Names of the attempts, for tests. */
export const ATTEMPTS: readonly string[] = Object.keys(BY_SHA);

/** @throws Error for a name that is none of {@link ATTEMPTS} */
export function attemptBy(name: string): Attempt {
  const attempt = BY_SHA[name];
  if (!attempt) throw new Error(`there is no attempt ${name}`);
  return attempt;
}
