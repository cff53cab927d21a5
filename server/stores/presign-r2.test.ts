import { createHash, createHmac } from "node:crypto";
import { expect, test } from "vitest";
import { createR2Presigner } from "./presign-r2.ts";

const credentials = {
  endpoint: "https://account.r2.cloudflarestorage.com",
  bucket: "files",
  accessKeyId: "an-id",
  secretAccessKey: "a-secret",
};
const oid = createHash("sha256").update("content").digest("hex");
const object = { oid, size: 7, key: `lfs/repo/${oid}-1` };
const presigner = createR2Presigner(credentials, () => Date.UTC(2026, 0, 2, 3, 4, 5));

/**
 * The signature by the book: canonical request, string to sign, derived key.
 * Source: docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
 */
function signByHand(method: string, href: string, header: Readonly<Record<string, string>>): string {
  const url = new URL(href);
  url.searchParams.delete("X-Amz-Signature");
  url.searchParams.sort();
  const encode = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const query = [...url.searchParams].map(([name, value]) => `${encode(name)}=${encode(value)}`).join("&");
  const headers = Object.entries({ host: url.host, ...header }).sort(([a], [b]) => (a < b ? -1 : 1));
  const names = headers.map(([name]) => name).join(";");
  const lines = headers.map(([name, value]) => `${name}:${value}\n`).join("");
  const canonical = [method, url.pathname, query, lines, names, "UNSIGNED-PAYLOAD"].join("\n");
  const scope = "20260102/auto/s3/aws4_request";
  const hash = createHash("sha256").update(canonical).digest("hex");
  const toSign = ["AWS4-HMAC-SHA256", "20260102T030405Z", scope, hash].join("\n");
  const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();
  const key = scope.split("/").reduce<string | Buffer>(hmac, `AWS4${credentials.secretAccessKey}`);
  return hmac(key, toSign).toString("hex");
}

test("an upload's address is signed, for an hour, for this content alone", async () => {
  const { href, header, expiresIn } = await presigner.upload(object);
  const url = new URL(href);
  expect(url.origin + url.pathname).toBe(`${credentials.endpoint}/files/${object.key}`);
  expect(header).toEqual({ "x-amz-checksum-sha256": Buffer.from(oid, "hex").toString("base64") });
  expect([expiresIn, url.searchParams.get("X-Amz-Expires")]).toEqual([3_600, "3600"]);
  expect(url.searchParams.get("X-Amz-SignedHeaders")).toBe("host;x-amz-checksum-sha256");
  expect(url.searchParams.get("X-Amz-Signature")).toBe(signByHand("PUT", href, header));
});

test("a download's address is signed, too", async () => {
  const { href, header } = await presigner.download(object);
  expect(header).toEqual({});
  expect(new URL(href).searchParams.get("X-Amz-Signature")).toBe(signByHand("GET", href, {}));
});
