import { expect, it } from "vitest";
import { commitCreateSchema } from "../../sdk/contract/commits.ts";
import type { RequestError } from "./request-error.ts";
import { parseQuery, validate } from "./validate.ts";

function refuse(body: unknown) {
  try {
    validate(commitCreateSchema, body, "body");
  } catch (error) {
    // validate throws nothing else.
    const { details, message } = error as RequestError;
    return { message, fields: details.fields };
  }
  throw new Error("accepted");
}

const change = { path: "a", content: "x" };
const commit = { branch: "main", message: "m", changes: [change] };

it("fills in defaults", () => {
  expect(validate(commitCreateSchema, commit, "body")).toEqual({
    ...commit,
    changes: [{ ...change, action: "create" }],
  });
});

it("names the place of what is wrong", () => {
  const changes = [change, change, change, { content: "x" }];
  expect(refuse({ ...commit, changes })).toEqual({
    message: "changes.3.path: required",
    fields: [{ field: "changes.3.path", message: "required" }],
  });
});

it("names every unknown field", () => {
  expect(refuse({ ...commit, changes: [{ ...change, colour: 1, size: 2 }], extra: true }).fields).toEqual([
    { field: "changes.0.colour", message: "unknown field" },
    { field: "changes.0.size", message: "unknown field" },
    { field: "extra", message: "unknown field" },
  ]);
});

it("of two forms reports on the one that was meant", () => {
  const edit = (edits: unknown) =>
    refuse({ ...commit, changes: [{ path: "a", action: "edit", edits }] }).fields;
  expect(edit([{ old_string: "a", new_string: "b", count: 0 }])).toMatchObject([
    { field: "changes.0.edits.0.count" },
  ]);
  expect(edit([{ range: [0, 1], content: "x" }])).toMatchObject([{ field: "changes.0.edits.0.range.0" }]);
  expect(edit([{ range: [1, 2] }])).toMatchObject([
    { field: "changes.0.edits.0.content", message: "required" },
  ]);
});

it("stops after twenty fields", () => {
  const changes = Array.from({ length: 1_000 }, () => ({ path: 1 }));
  expect(refuse({ ...commit, changes }).fields).toHaveLength(20);
});

it("refuses what only looks like an object", () => {
  expect(refuse(null).fields).toMatchObject([{ field: "body" }]);
  expect(refuse([]).fields).toMatchObject([{ field: "body" }]);
  expect(
    refuse(JSON.parse('{"__proto__": {"branch": "main"}, "message": "m", "changes": []}')).fields,
  ).toContainEqual({
    field: "branch",
    message: "required",
  });
});

it("reads a query string, each name once", () => {
  expect(parseQuery("http://h/p?a=1&b=%2F+x#c")).toEqual({ a: "1", b: "/ x" });
  expect(() => parseQuery("http://h/p?a=1&a=2")).toThrow("given twice");
});
