import { beforeEach, expect, it } from "vitest";
import { createMemoryApp } from "../../server/testing/memory-app.ts";
import { type CoregitClient, createCoregitClient } from "../client.ts";
import type { Result } from "../http/reply.ts";

const SHA = /^[0-9a-f]{40}$/;
let client: CoregitClient;
/** Head of main in the repository `app`, whose files are README.md, bin.dat and src/a.ts. */
let head: string;

function dataOf<T>(result: Result<T>): T {
  if (result.error !== null) throw result.error;
  return result.data;
}

beforeEach(async () => {
  const memory = createMemoryApp();
  const { apiKey } = await memory.createOrg("acme");
  client = createCoregitClient({
    baseUrl: "http://coregit.test",
    apiKey,
    fetch: (input, init) => memory.request(String(input), init),
    retry: false,
  });
  dataOf(await client.repos.create({ slug: "app" }));
  const created = await client.commits.create("app", {
    branch: "main",
    message: "first",
    changes: [
      { path: "README.md", content: "hello\n" },
      { path: "src/a.ts", content: "export {};\n" },
      { path: "bin.dat", content: "AP8=", encoding: "base64" },
    ],
  });
  head = dataOf(created).sha;
});

it("creates, reads, changes, lists and deletes repositories", async () => {
  const created = await client.repos.create({ slug: "other", description: "two" });
  expect(created.status).toBe(201);
  expect(created.data).toMatchObject({ slug: "other", visibility: "private", default_branch: "main" });
  expect(dataOf(await client.repos.get("other"))).toMatchObject({ slug: "other", description: "two" });
  expect(dataOf(await client.repos.update("other", { description: "2" })).description).toBe("2");
  const slugs = dataOf(await client.repos.list()).repos.map((repo) => repo.slug);
  expect(slugs).toEqual(["app", "other"]);
  expect(await client.repos.delete("other")).toEqual({ data: { deleted: true }, error: null, status: 200 });
  expect((await client.repos.get("other")).status).toBe(404);
});

it("lists every repository, page after page", async () => {
  for (const slug of ["b", "c", "d"]) dataOf(await client.repos.create({ slug, init: false }));
  const slugs: string[] = [];
  for await (const repo of client.repos.listAll({ limit: 2 })) slugs.push(repo.slug);
  expect(slugs).toEqual(["app", "b", "c", "d"]);
});

it("keeps repositories of a namespace apart", async () => {
  const repo = { namespace: "team", slug: "app" };
  dataOf(await client.repos.create({ ...repo, description: "theirs" }));
  expect(dataOf(await client.repos.get(repo)).description).toBe("theirs");
  expect(dataOf(await client.repos.get("team/app")).description).toBe("theirs");
  expect(dataOf(await client.repos.get("app")).description).toBeNull();
});

it("creates, lists and reads commits, and repeats none under the same key", async () => {
  const body = { branch: "main", message: "second", changes: [{ path: "src/a.ts", content: "1\n" }] };
  const options = { idempotencyKey: "once" };
  const second = dataOf(await client.commits.create("app", body, options));
  expect(second).toMatchObject({ parent_sha: head, branch: "main", files_changed: 1 });
  expect(dataOf(await client.commits.create("app", body, options)).sha).toBe(second.sha);
  const page = dataOf(await client.commits.list("app", { ref: "main", path: "README.md" }));
  expect(page.commits.map((commit) => commit.sha)).toEqual([head]);
  expect(dataOf(await client.commits.list("app", { limit: 1 }))).toMatchObject({ has_more: true });
  const details = dataOf(await client.commits.get("app", second.sha));
  expect(details).toMatchObject({ message: "second", parents: [head], tree: second.tree_sha });
});

it("creates, reads, renames, lists and deletes branches with slashes", async () => {
  const created = await client.branches.create("app", { name: "agent/42", from: "main" });
  expect(created).toEqual({ data: { name: "agent/42", sha: head }, error: null, status: 201 });
  expect(dataOf(await client.branches.get("app", "agent/42")).sha).toBe(head);
  const renamed = dataOf(await client.branches.rename("app", "agent/42", "feature/größe"));
  expect(renamed).toEqual({ name: "feature/größe", sha: head });
  const { branches, default_branch } = dataOf(await client.branches.list("app"));
  expect(branches.map((branch) => branch.name)).toEqual(["feature/größe", "main"]);
  expect(default_branch).toBe("main");
  expect(dataOf(await client.branches.delete("app", "feature/größe"))).toEqual({ deleted: true });
  expect((await client.branches.get("app", "feature/größe")).error?.code).toBe("NOT_FOUND");
});

it("creates, reads, lists and deletes tags", async () => {
  const tag = { name: "v1/rc", target: "main", message: "first release" };
  const created = dataOf(await client.tags.create("app", tag));
  expect(created).toMatchObject({ type: "annotated", target_sha: head });
  dataOf(await client.tags.create("app", { name: "light" }));
  expect(dataOf(await client.tags.get("app", "v1/rc")).sha).toBe(created.sha);
  const { tags, total } = dataOf(await client.tags.list("app"));
  expect(tags.map(({ name, type }) => [name, type])).toEqual([
    ["light", "lightweight"],
    ["v1/rc", "annotated"],
  ]);
  expect(total).toBe(2);
  expect(dataOf(await client.tags.delete("app", "v1/rc"))).toEqual({ deleted: true });
});

it("moves refs only from where they are expected to be, and deletes them", async () => {
  const made = await client.refs.put("app", "heads/release", { sha: head, expected_sha: null });
  expect(dataOf(made)).toEqual({ ref: "refs/heads/release", sha: head, previous_sha: null });
  const again = await client.refs.put("app", "heads/release", { sha: head, expected_sha: null });
  expect(again).toMatchObject({ data: null, status: 409, error: { code: "CONFLICT" } });
  expect(dataOf(await client.refs.get("app", "refs/heads/release")).sha).toBe(head);
  const { refs } = dataOf(await client.refs.list("app"));
  expect(refs.map(({ ref }) => ref)).toEqual(["refs/heads/main", "refs/heads/release"]);
  expect(dataOf(await client.files.refs("app")).refs).toEqual(refs);
  expect(dataOf(await client.refs.delete("app", "heads/release"))).toEqual({ deleted: true });
});

it("lists trees", async () => {
  const root = dataOf(await client.files.tree("app"));
  expect(root.items.map((item) => item.path)).toEqual(["README.md", "bin.dat", "src"]);
  expect(root).toMatchObject({ commit_sha: head, branch: "main", truncated: false });
  const all = dataOf(await client.files.tree("app", { ref: head, recursive: true }));
  expect(all.items.map((item) => item.path)).toContain("src/a.ts");
  const below = dataOf(await client.files.tree("app", { ref: "main", path: "src" }));
  expect(below.items.map((item) => [item.name, item.size])).toEqual([["a.ts", 11]]);
});

it("reads files as text, base64, parts, batches and streams", async () => {
  const text = dataOf(await client.files.blob("app", { path: "README.md" }));
  expect(text).toMatchObject({ content: "hello\n", encoding: "utf-8", size: 6 });
  const binary = dataOf(await client.files.blob("app", { path: "bin.dat" }));
  expect(binary).toMatchObject({ content: "AP8=", encoding: "base64", size: 2 });
  const part = await client.files.blob("app", { path: "README.md", range: { start: 1, end: 3 } });
  expect(part.status).toBe(206);
  expect(dataOf(part)).toMatchObject({ content: "ell", range: { start: 1, end: 3, length: 3 } });

  const batch = dataOf(await client.files.blobs("app", { paths: ["src/a.ts", "none", "README.md"] }));
  expect(batch.blobs.map((blob) => blob.path)).toEqual(["src/a.ts", "README.md"]);
  expect(batch.missing).toEqual(["none"]);

  const raw = dataOf(await client.files.raw("app", { path: "bin.dat" }));
  expect(raw).toMatchObject({ bytes: 2, sha: binary.sha, commitSha: head });
  expect(new Uint8Array(await new Response(raw.body).arrayBuffer())).toEqual(new Uint8Array([0, 255]));
  const tail = dataOf(await client.files.raw("app", { path: "README.md", range: { start: 4 } }));
  expect(tail.contentRange).toBe("bytes 4-5/6");
  expect(await new Response(tail.body).text()).toBe("o\n");
});

it("keeps names that mean something in addresses", async () => {
  const paths = ["a#b", "what?", "100%", "%2e", "a b+c", "ü/🙂", "x&y=z;"];
  const changes = paths.map((path) => ({ path, content: path }));
  dataOf(await client.branches.create("app", { name: "odd/#1%" }));
  dataOf(await client.commits.create("app", { branch: "odd/#1%", message: "odd", changes }));
  for (const path of paths) {
    expect(dataOf(await client.files.blob("app", { ref: "odd/#1%", path })).content).toBe(path);
  }
});

it("reads objects and resolves revisions", async () => {
  const revision = dataOf(await client.objects.revParse("app", "main^{tree}"));
  expect(revision).toMatchObject({ ref: "main^{tree}", type: "tree" });
  expect(revision.sha).toMatch(SHA);
  const commit = dataOf(await client.objects.get("app", head));
  expect(commit).toMatchObject({ sha: head, type: "commit", encoding: "utf-8" });
  expect(commit.content).toContain(`tree ${revision.sha}\n`);
});

it("streams files that match", async () => {
  const stream = dataOf(await client.prefetch.stream("app", { ref: "main", globs: ["src/**"] }));
  const names: string[] = [];
  for await (const line of stream) names.push("done" in line ? `done ${line.entries}` : line.path);
  expect(names).toEqual(["src/a.ts", "done 1"]);
});

it("gives a 404 as a value", async () => {
  const { data, error, status } = await client.repos.get("nope");
  expect({ data, status }).toEqual({ data: null, status: 404 });
  expect(error).toMatchObject({ name: "ApiError", code: "NOT_FOUND", status: 404, retryable: false });
  expect(error?.requestId).toEqual(expect.any(String));
});

it("gives a 400 as a value that names the fields", async () => {
  const { data, error, status } = await client.repos.create({ slug: "Not A Slug" });
  expect({ data, status }).toEqual({ data: null, status: 400 });
  expect(error?.code).toBe("VALIDATION_ERROR");
  expect(error?.data.fields).toEqual([{ field: "slug", message: expect.any(String) }]);
});

it("lists moves, undoes them, lets branches expire and stay, and blames", async () => {
  const body = { branch: "main", message: "second", changes: [{ path: "src/a.ts", content: "1\n" }] };
  const second = dataOf(await client.commits.create("app", { ...body, metadata: { agent: "7" } })).sha;
  expect(dataOf(await client.commits.get("app", second)).metadata).toEqual({ agent: "7" });
  const blame = dataOf(await client.history.blame("app", { ref: "main", path: "src/a.ts", range: "1-1" }));
  expect(blame.hunks).toMatchObject([{ sha: second, count: 1, metadata: { agent: "7" } }]);
  const { entries } = dataOf(await client.history.reflog("app", { ref: "main", limit: 1 }));
  expect(entries).toMatchObject([{ from: head, to: second }]);
  const undone = dataOf(await client.history.undo("app", { ref: "main", expected_sha: second }));
  expect(undone).toEqual({ ref: "refs/heads/main", sha: head, previous_sha: second });
  dataOf(await client.branches.create("app", { name: "try/1", ttl_seconds: 60 }));
  const later = dataOf(await client.branches.update("app", "try/1", { ttl_seconds: 3_600 }));
  expect(Date.parse(later.expires_at ?? "")).toBeGreaterThan(Date.now() + 60_000);
  expect(dataOf(await client.branches.promote("app", "try/1", { as: "kept" }))).toEqual({
    name: "kept",
    sha: head,
  });
});

it("keeps what a mount says of its commits", async () => {
  const fs = await client.fs.mount({ repos: [{ slug: "app" }] });
  await fs.writeFile("/src/b.ts", "b\n");
  const { app: sha = "" } = await fs.commit({ message: "b", metadata: { agent: "mount", session: "s1" } });
  await fs.unmount();
  expect(dataOf(await client.commits.get("app", sha)).metadata).toEqual({ agent: "mount", session: "s1" });
});
