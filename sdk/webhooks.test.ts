import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type ReceivedWebhook, verifyWebhook } from "./webhooks.ts";

const SECRET = "a secret of the test";
const NOW = 1_800_000_000_000;
const BODY = JSON.stringify({ event: "push", ref: "refs/heads/é" });

function sign(
  body: string,
  fields: { secret?: string; delivery?: string; timestamp?: string } = {},
): ReceivedWebhook {
  const { secret = SECRET, delivery = "dlv_a_1", timestamp = String(NOW / 1_000) } = fields;
  const hmac = createHmac("sha256", secret).update(`${delivery}.${timestamp}.${body}`).digest("hex");
  return {
    body,
    secret: SECRET,
    headers: {
      "X-CoreGit-Delivery": delivery,
      "X-CoreGit-Timestamp": timestamp,
      "X-CoreGit-Webhook-Id": "whk_a",
      "X-CoreGit-Signature-V2": `sha256=${hmac}`,
    },
  };
}

describe("verifyWebhook", () => {
  it("takes what was signed with the secret, as text or bytes, with headers of any kind", async () => {
    const signed = sign(BODY);
    const headers = new Headers(signed.headers as Record<string, string>);
    for (const received of [
      signed,
      { ...signed, headers },
      { ...signed, body: new TextEncoder().encode(BODY) },
    ]) {
      expect(await verifyWebhook(received, { now: NOW })).toEqual({
        kind: "verified",
        deliveryId: "dlv_a_1",
        webhookId: "whk_a",
        payload: JSON.parse(BODY),
      });
    }
  });

  it("refuses another secret, body, delivery or time", async () => {
    const signed = sign(BODY);
    const changed = (name: string, value: string) => ({
      ...signed,
      headers: { ...signed.headers, [name]: value },
    });
    for (const received of [
      sign(BODY, { secret: "another secret of it" }),
      { ...signed, body: BODY.replace("push", "ping") },
      changed("X-CoreGit-Delivery", "dlv_a_2"),
      changed("X-CoreGit-Timestamp", String(NOW / 1_000 + 1)),
    ]) {
      expect(await verifyWebhook(received, { now: NOW })).toEqual({
        kind: "refused",
        reason: "wrong-signature",
      });
    }
  });

  it("refuses what was recorded, and what comes from the future", async () => {
    for (const [seconds, kind] of [
      [300, "verified"],
      [301, "refused"],
      [-300, "verified"],
      [-301, "refused"],
    ] as const) {
      expect((await verifyWebhook(sign(BODY), { now: NOW + seconds * 1_000 })).kind, String(seconds)).toBe(
        kind,
      );
    }
    const lenient = { now: NOW + 3_600_000, toleranceSec: 3_600 };
    expect((await verifyWebhook(sign(BODY), lenient)).kind).toBe("verified");
  });

  it.each([
    ["no signature", { "X-CoreGit-Signature-V2": undefined }],
    [
      "the signature of the body alone",
      { "X-CoreGit-Signature-V2": undefined, "X-CoreGit-Signature": `sha256=${"0".repeat(64)}` },
    ],
    ["another hash", { "X-CoreGit-Signature-V2": `sha1=${"0".repeat(40)}` }],
    ["a signature that is too short", { "X-CoreGit-Signature-V2": "sha256=00" }],
    ["no time", { "X-CoreGit-Timestamp": undefined }],
    ["a time that is no number", { "X-CoreGit-Timestamp": "Infinity" }],
    ["no delivery", { "X-CoreGit-Delivery": undefined }],
  ])("refuses as unsigned: %s", async (_, change) => {
    const signed = sign(BODY);
    const received = { ...signed, headers: { ...signed.headers, ...change } };
    expect(await verifyWebhook(received, { now: NOW })).toEqual({ kind: "refused", reason: "unsigned" });
  });

  it("refuses a signed body that is not JSON", async () => {
    expect(await verifyWebhook(sign("{"), { now: NOW })).toEqual({ kind: "refused", reason: "not-json" });
  });
});
