import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../../../server/testing/end-to-end/local-server.ts";
import { createCoregitClient, type MountedFS } from "../../index.ts";

let server: TestServer;
let requests: string[] = [];

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server?.stop());

/** A client whose every request is noted in `requests`. */
function client() {
  const countingFetch: typeof fetch = (input, init) => {
    const request = new Request(input, init);
    requests.push(`${request.method} ${new URL(request.url).pathname}`);
    return fetch(request);
  };
  return createCoregitClient({
    apiKey: server.local.apiKey,
    baseUrl: server.local.url,
    fetch: countingFetch,
  });
}

async function counted<T>(
  action: () => Promise<T>,
): Promise<{ readonly value: T; readonly requests: number }> {
  requests = [];
  const value = await action();
  return { value, requests: requests.length };
}

async function makeRepo(slug: string, files: Readonly<Record<string, string>>): Promise<void> {
  const cg = client();
  expect((await cg.repos.create({ slug })).error).toBeNull();
  const changes = Object.entries(files).map(([path, content]) => ({ path, content }));
  const { error } = await cg.commits.create(slug, { branch: "main", message: "files", changes });
  expect(error).toBeNull();
}

function numberedFiles(count: number): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      `src/${index % 10}/file-${index}.ts`,
      `export const n = ${index};\n`,
    ]),
  );
}

test("the request budget of reads holds against the real server", async () => {
  await makeRepo("budget", numberedFiles(300));
  const cg = client();
  const mounted = await counted(async () => {
    const fs = await cg.fs.mount({ repos: [{ slug: "budget" }] });
    return { fs, first: await fs.readFile("/budget/src/0/file-0.ts") };
  });
  expect(mounted.value.first).toBe("export const n = 0;\n");
  expect(mounted.requests).toBeLessThanOrEqual(2);
  const { fs } = mounted.value;

  expect((await counted(() => fs.readFile("/budget/src/0/file-0.ts"))).requests).toBe(0);
  expect((await counted(() => fs.exists("/budget/src/0/none.ts"))).requests).toBe(0);
  await expect(fs.readFile("/budget/nothing")).rejects.toMatchObject({ code: "ENOENT", errno: -2 });
  const paths = Array.from(
    { length: 100 },
    (_, index) => `/budget/src/${(index + 1) % 10}/file-${index + 1}.ts`,
  );
  const many = await counted(() => fs.readFiles(paths));
  expect([many.value.size, many.requests]).toEqual([100, 1]);
  const rest = Array.from(
    { length: 100 },
    (_, index) => `/budget/src/${(index + 101) % 10}/file-${index + 101}.ts`,
  );
  expect((await counted(() => Promise.all(rest.map((path) => fs.readFile(path))))).requests).toBe(1);
  const equal = await counted(() =>
    Promise.all(Array.from({ length: 50 }, () => fs.readFile("/budget/src/9/file-299.ts"))),
  );
  expect(equal.requests).toBe(1);
  const local = await counted(async () => {
    await fs.readdir("/budget/src/3");
    await fs.stat("/budget/src/3/file-3.ts");
    return fs.glob(["src/**/*.ts"]);
  });
  expect([local.value.length, local.requests]).toEqual([300, 0]);
  expect((await fs.stat("/budget/src/3/file-3.ts")).size).toBe(20);
  await fs.unmount();
});

test("prefetch fills the cache with one request", async () => {
  await makeRepo("warm", numberedFiles(200));
  const fs = await client().fs.mount({ repos: [{ slug: "warm" }] });
  const prefetch = await counted(() => fs.prefetch(["src/**/*.ts"]));
  expect(prefetch.requests).toBe(1);
  expect(prefetch.value).toMatchObject({ entries: 200, capped: false });
  const reads = await counted(() =>
    Promise.all(Object.keys(numberedFiles(200)).map((path) => fs.readFile(`/${path}`))),
  );
  expect(reads.requests).toBe(0);
  await fs.unmount();
});

for (const commitMode of ["auto", "manual", "on-exec"] as const) {
  test(`writes are read back at once in commit mode ${commitMode}`, async () => {
    const slug = `writes-${commitMode}`;
    await makeRepo(slug, { "a.txt": "old\n", "dir/b.txt": "b\n", "run.sh": "#!/bin/sh\n" });
    const fs = await client().fs.mount({ repos: [{ slug }], commitMode });
    await fs.writeFile("/a.txt", "new\n");
    await fs.writeFile("/deep/er/c.txt", "c\n");
    await fs.chmod("/run.sh", 0o755);
    await fs.mv("/dir", "/moved");
    expect(await fs.readFile("/a.txt")).toBe("new\n");
    expect(await fs.readFile("/moved/b.txt")).toBe("b\n");
    expect(await fs.exists("/dir")).toBe(false);
    expect((await fs.readdir("/deep/er")).map((entry) => entry.name)).toEqual(["c.txt"]);
    if (commitMode !== "auto") await fs.commit({ message: "all of it" });
    await expectFiles(slug, {
      "a.txt": "new\n",
      "deep/er/c.txt": "c\n",
      "moved/b.txt": "b\n",
      "run.sh": "#!/bin/sh\n",
    });
    await fs.unmount();
  });
}

/** What a second, cold mount sees. */
async function expectFiles(slug: string, files: Readonly<Record<string, string>>): Promise<void> {
  const fs: MountedFS = await client().fs.mount({ repos: [{ slug }], mode: "ro" });
  const paths = (await fs.glob(["**"])).sort();
  expect(paths.map((path) => path.replace(`/${slug}/`, "").replace(/^\//, ""))).toEqual(
    Object.keys(files).sort(),
  );
  for (const [path, content] of Object.entries(files)) expect(await fs.readFile(`/${path}`)).toBe(content);
  await fs.unmount();
}

test("50 buffered writes and a commit are one request", async () => {
  await makeRepo("buffer", { "a.txt": "a\n" });
  const fs = await client().fs.mount({ repos: [{ slug: "buffer" }], commitMode: "manual" });
  const { requests: count } = await counted(async () => {
    for (let i = 0; i < 50; i++) await fs.writeFile(`/gen/${i}.txt`, `${i}\n`);
    await fs.commit({ message: "fifty" });
  });
  expect(count, requests.join("\n")).toBe(1);
  await fs.unmount();
});

test("a change of the same file by another writer is a conflict that keeps the buffer; other files are not", async () => {
  await makeRepo("conflict", { "same.txt": "1\n", "other.txt": "1\n" });
  const cg = client();
  const fs = await cg.fs.mount({ repos: [{ slug: "conflict" }], commitMode: "manual" });
  await fs.readFile("/same.txt");
  await fs.writeFile("/same.txt", "mine\n");
  const change = (path: string, content: string) =>
    cg.commits.create("conflict", { branch: "main", message: path, changes: [{ path, content }] });
  await change("same.txt", "theirs\n");
  await expect(fs.commit({ message: "mine" })).rejects.toMatchObject({ code: "ECONFLICT", errno: -1024 });
  expect(await fs.readFile("/same.txt")).toBe("mine\n");
  await fs.discard();

  await fs.refresh();
  await fs.writeFile("/same.txt", "again\n");
  await change("other.txt", "theirs too\n");
  await fs.commit({ message: "no conflict" });
  await fs.refresh();
  expect(await fs.readFile("/same.txt")).toBe("again\n");
  expect(await fs.readFile("/other.txt")).toBe("theirs too\n");
  await fs.unmount();
});

test("unmount with unsaved work does not drop it quietly", async () => {
  await makeRepo("unsaved", { "a.txt": "a\n" });
  const fs = await client().fs.mount({ repos: [{ slug: "unsaved" }], commitMode: "manual" });
  await fs.writeFile("/b.txt", "b\n");
  await expect(fs.unmount()).rejects.toThrow();
  await fs.unmount({ onUnsaved: "commit" });
  await expectFiles("unsaved", { "a.txt": "a\n", "b.txt": "b\n" });
});

test("a read-only mount refuses writes, a mount of an empty repository reads as empty", async () => {
  const cg = client();
  await cg.repos.create({ slug: "void", init: false });
  const readOnly = await cg.fs.mount({ repos: [{ slug: "void" }], mode: "ro" });
  expect(await readOnly.readdir("/")).toHaveLength(0);
  await expect(readOnly.writeFile("/a", "x")).rejects.toMatchObject({ code: "EROFS", errno: -30 });
  const fs = await cg.fs.mount({ repos: [{ slug: "void" }], commitMode: "manual" });
  await fs.writeFile("/first.txt", "1\n");
  await fs.commit({ message: "first" });
  await expectFiles("void", { "first.txt": "1\n" });
});
