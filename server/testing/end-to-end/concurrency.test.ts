import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestServer, type TestServer } from "./local-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server?.stop());

const WRITERS = 30;

function write(repo: string, index: number, extra: object = {}) {
  return server.call("POST", `/repos/${repo}/commits`, {
    body: {
      branch: "main",
      message: `writer ${index}`,
      changes: [{ path: `dir/file-${index}.txt`, content: `${index}\n` }],
      ...extra,
    },
  });
}

test("30 parallel writers of different files all land in one line of history", async () => {
  await server.call("POST", "/repos", { body: { slug: "swarm" } });
  const replies = await Promise.all(Array.from({ length: WRITERS }, (_, index) => write("swarm", index)));
  expect(replies.map((reply) => reply.status)).toEqual(Array(WRITERS).fill(201));

  const { body: log } = await server.call("GET", "/repos/swarm/commits?limit=100");
  expect(log.commits).toHaveLength(WRITERS + 1);
  expect(new Set(log.commits.map((commit: { sha: string }) => commit.sha)).size).toBe(WRITERS + 1);
  for (let i = 0; i < WRITERS; i++) expect(log.commits[i].parents).toEqual([log.commits[i + 1].sha]);

  const { body: tree } = await server.call("GET", "/repos/swarm/tree/main/dir");
  expect(tree.items).toHaveLength(WRITERS);
});

test("with parent_sha exactly one of 30 wins and 29 learn the current head", async () => {
  await server.call("POST", "/repos", { body: { slug: "race" } });
  const { body: main } = await server.call("GET", "/repos/race/branches/main");
  const replies = await Promise.all(
    Array.from({ length: WRITERS }, (_, index) => write("race", index, { parent_sha: main.sha })),
  );
  const won = replies.filter((reply) => reply.status === 201);
  const lost = replies.filter((reply) => reply.status === 409);
  expect([won.length, lost.length]).toEqual([1, WRITERS - 1]);
  for (const reply of lost) {
    expect(reply.body).toMatchObject({ code: "CONFLICT", head_sha: won[0]?.body.sha });
  }
});

test("parallel first commits on an empty repository lose nothing", async () => {
  await server.call("POST", "/repos", { body: { slug: "empty", init: false } });
  const replies = await Promise.all(Array.from({ length: WRITERS }, (_, index) => write("empty", index)));
  expect(replies.map((reply) => reply.status)).toEqual(Array(WRITERS).fill(201));
  const { body: tree } = await server.call("GET", "/repos/empty/tree/main?recursive=true");
  expect(tree.items.filter((item: { type: string }) => item.type === "file")).toHaveLength(WRITERS);
});

test("parallel creation of one repository: one 201, the others 409", async () => {
  const replies = await Promise.all(
    Array.from({ length: 6 }, () => server.call("POST", "/repos", { body: { slug: "same" } })),
  );
  expect(replies.map((reply) => reply.status).sort()).toEqual([201, 409, 409, 409, 409, 409]);
});

test("edits of one file by many writers without parent_sha are applied one after the other", async () => {
  await server.call("POST", "/repos", { body: { slug: "counter" } });
  const lines = Array.from({ length: WRITERS }, (_, index) => `line ${index}: 0;`).join("\n");
  await server.call("POST", "/repos/counter/commits", {
    body: { branch: "main", message: "start", changes: [{ path: "list", content: lines }] },
  });
  const replies = await Promise.all(
    Array.from({ length: WRITERS }, (_, index) =>
      server.call("POST", "/repos/counter/commits", {
        body: {
          branch: "main",
          message: `edit ${index}`,
          changes: [
            {
              path: "list",
              action: "edit",
              edits: [{ old_string: `line ${index}: 0;`, new_string: `line ${index}: 1;` }],
            },
          ],
        },
      }),
    ),
  );
  expect(replies.map((reply) => reply.status)).toEqual(Array(WRITERS).fill(201));
  const { body: blob } = await server.call("GET", "/repos/counter/blob/main/list");
  expect(blob.content).toBe(lines.replaceAll(": 0;", ": 1;"));
});

test("a retry with the same Idempotency-Key commits once and repeats the reply", async () => {
  await server.call("POST", "/repos", { body: { slug: "retry" } });
  const body = { branch: "main", message: "once", changes: [{ path: "a", content: "1" }] };
  const options = { body, headers: { "idempotency-key": "attempt-1" } };
  const replies = await Promise.all(
    Array.from({ length: 5 }, () => server.call("POST", "/repos/retry/commits", options)),
  );
  expect(replies.map((reply) => reply.status)).toEqual(Array(5).fill(201));
  expect(new Set(replies.map((reply) => reply.body.sha)).size).toBe(1);
  const { body: log } = await server.call("GET", "/repos/retry/commits");
  expect(log.commits).toHaveLength(2);

  const other = await server.call("POST", "/repos/retry/commits", {
    ...options,
    body: { ...body, message: "another request under the same key" },
  });
  expect(other.status).toBe(422);
});
