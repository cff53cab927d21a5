import { describe, expect, test } from "vitest";
import { parseOid } from "../hash/oid.ts";
import { negotiateV0 } from "./v0-negotiation.ts";
import type { NegotiationEvent } from "./v0-upload.ts";

const A = parseOid("a".repeat(40));
const B = parseOid("b".repeat(40));
const X = parseOid("c".repeat(40));
const have = (oid: typeof A): NegotiationEvent => ({ kind: "have", oid });
const flush: NegotiationEvent = { kind: "flush" };
const done: NegotiationEvent = { kind: "done" };
const base = { known: new Set([A, B]), ready: false, noDone: false, multiAck: "detailed" } as const;

describe("detailed", () => {
  test("a clone gets NAK and the pack", () => {
    expect(negotiateV0({ ...base, events: [done] })).toEqual({ lines: ["NAK\n"], sendPack: true });
  });

  test("common commits are named, the flush is answered by NAK", () => {
    expect(negotiateV0({ ...base, events: [have(X), have(A), have(B), flush] })).toEqual({
      lines: [`ACK ${A} common\n`, `ACK ${B} common\n`, "NAK\n"],
      sendPack: false,
    });
  });

  test("done repeats the last common commit", () => {
    expect(negotiateV0({ ...base, events: [have(A), have(X), done] })).toEqual({
      lines: [`ACK ${A} common\n`, `ACK ${A}\n`],
      sendPack: true,
    });
  });

  test("ready is said at a flush after common commits only", () => {
    expect(negotiateV0({ ...base, ready: true, events: [have(A), flush] })).toEqual({
      lines: [`ACK ${A} common\n`, `ACK ${A} ready\n`, "NAK\n"],
      sendPack: false,
    });
  });

  test("ready answers commits that only the client has", () => {
    expect(negotiateV0({ ...base, ready: true, events: [have(A), have(X), flush] })).toEqual({
      lines: [`ACK ${A} common\n`, `ACK ${X} ready\n`, "NAK\n"],
      sendPack: false,
    });
  });

  test("with no-done the pack follows ready", () => {
    expect(negotiateV0({ ...base, ready: true, noDone: true, events: [have(A), flush] })).toEqual({
      lines: [`ACK ${A} common\n`, `ACK ${A} ready\n`, "NAK\n", `ACK ${A}\n`],
      sendPack: true,
    });
  });
});

describe("plain and none", () => {
  test("multi_ack continues", () => {
    expect(negotiateV0({ ...base, multiAck: "plain", events: [have(A), flush] }).lines).toEqual([
      `ACK ${A} continue\n`,
      "NAK\n",
    ]);
  });

  test("without multi_ack the first common commit is acknowledged once, and no NAK follows", () => {
    expect(
      negotiateV0({ ...base, multiAck: "none", events: [have(X), have(A), have(B), flush] }).lines,
    ).toEqual([`ACK ${A}\n`]);
    expect(negotiateV0({ ...base, multiAck: "none", events: [have(A), done] })).toEqual({
      lines: [`ACK ${A}\n`],
      sendPack: true,
    });
    expect(negotiateV0({ ...base, multiAck: "none", events: [have(X), flush] }).lines).toEqual(["NAK\n"]);
  });
});
